package metadata

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ballast/internal/arn"
	"ballast/internal/driver"
	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
)

// The answers are those of the developer guide, Amazon ECS task scale-in protection endpoint, and of amazon-ecs-agent,
// ecs-agent/tmds/handlers/taskprotection/v1.
func TestProtection(t *testing.T) {
	const arnText = `arn:aws:ecs:eu-west-1:000000000000:task/blue/00000000000000000000000000000001`
	const failed = `{"failure":{"Arn":"` + arnText + `","Detail":null,"Reason":"TASK_NOT_VALID"}}`
	protected := func(s *stage) { s.protected = &ecs.Task{} }
	for _, c := range []struct {
		name, method, id, body string
		change                 func(*stage)
		status                 int
		want                   string
	}{
		{"on", "PUT", webID, `{"ProtectionEnabled":true}`, protected, 200,
			`{"protection":{"ExpirationDate":"2020-09-13T14:26:40.5Z","ProtectionEnabled":true,"TaskArn":"` + arnText + `"}}`},
		{"on for an hour", "PUT", webID, `{"ProtectionEnabled":true,"ExpiresInMinutes":60}`, protected, 200,
			`{"protection":{"ExpirationDate":"2020-09-13T13:26:40.5Z","ProtectionEnabled":true,"TaskArn":"` + arnText + `"}}`},
		{"is off", "GET", webID, "", protected, 200, `{"protection":{"ExpirationDate":null,"ProtectionEnabled":false,"TaskArn":"` + arnText + `"}}`},
		{"of a standalone task", "GET", webID, "", func(s *stage) { s.reason = "TASK_NOT_VALID" }, 200, failed},
		{"on a standalone task", "PUT", webID, `{"ProtectionEnabled":true}`, func(s *stage) { s.reason = "TASK_NOT_VALID" }, 200, failed},
		{"too long", "PUT", webID, `{"ProtectionEnabled":true,"ExpiresInMinutes":2881}`, protected, 400,
			`{"error":{"Arn":"` + arnText + `","Code":"InvalidParameterException","Message":"expiresInMinutes must be between 1 and 2880."}}`},
		{"nothing said", "PUT", webID, `{}`, protected, 400,
			`{"error":{"Arn":"` + arnText + `","Code":"InvalidParameterException","Message":"Invalid request: does not contain 'ProtectionEnabled' field"}}`},
		{"no JSON", "PUT", webID, `yes`, protected, 400, `{"error":{"Code":"InvalidParameterException","Message":"UpdateTaskProtection: failed to decode request"}}`},
		{"a member too many", "PUT", webID, `{"ProtectionEnabled":true,"Task":"other"}`, protected, 400,
			`{"error":{"Code":"InvalidParameterException","Message":"UpdateTaskProtection: failed to decode request"}}`},
		{"too large", "PUT", webID, `{"ProtectionEnabled":` + strings.Repeat(" ", maxBody) + `true}`, protected, 400,
			`{"error":{"Code":"InvalidParameterException","Message":"UpdateTaskProtection: failed to decode request"}}`},
		{"nobody", "GET", "x", "", protected, 404, `{"error":{"Code":"ResourceNotFoundException","Message":"Failed to find a task for the request"}}`},
		{"control is away", "PUT", webID, `{"ProtectionEnabled":true}`, func(s *stage) { s.refusal = ecs.Errorf(ecs.ServerException, "away") }, 500,
			`{"error":{"Arn":"` + arnText + `","Code":"ServerException","Message":"away"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := running()
			c.change(&s)
			h := NewServer(Config{Secret: secret, Names: arn.Namer{Region: "eu-west-1", Account: "000000000000"}, Cluster: "blue", Agent: s, Control: s,
				Driver: fake.New(1), Now: time.Now, Log: slog.New(slog.DiscardHandler)}).Handler()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(c.method, "/api/"+c.id+"/task-protection/v1/state", strings.NewReader(c.body)))
			if diff := cmp.Diff(decoded(t, c.want), decoded(t, w.Body.String())); w.Code != c.status || diff != "" {
				t.Errorf("%d, want %d (-want +got):\n%s", w.Code, c.status, diff)
			}
		})
	}
}

// A container that may not ask so often is told so here too.
func TestProtectionLimit(t *testing.T) {
	s := running()
	h := NewServer(Config{Secret: secret, Agent: s, Control: s, Driver: struct{ driver.Driver }{}, Now: func() time.Time { return time.Unix(1, 0) }}).Handler()
	last := 0
	for range burst + 1 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/"+webID+"/task-protection/v1/state", nil))
		last = w.Code
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the last one: %d", last)
	}
}
