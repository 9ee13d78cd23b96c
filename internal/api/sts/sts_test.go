package sts_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ballast/internal/api/sts"
	"ballast/internal/httpd"
)

func TestGetCallerIdentity(t *testing.T) {
	handler := httpd.Handler(httpd.Config{
		Operations: sts.Operations(sts.Config{Account: "123456789012"}),
		Account:    "123456789012",
		Now:        time.Now,
		RequestID:  func() string { return "request" },
		Log:        slog.New(slog.DiscardHandler),
	})
	r := httptest.NewRequest(http.MethodPost, "http://localhost/", strings.NewReader("Action=GetCallerIdentity&Version=2011-06-15"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<Account>123456789012</Account>", "<Arn>arn:aws:iam::123456789012:root</Arn>", "<UserId>123456789012</UserId>"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("status %d, no %s in %s", w.Code, want, body)
		}
	}
}
