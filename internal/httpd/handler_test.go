package httpd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"ballast/internal/ecs"
)

const account = "123456789012"

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// config is a server with a few operations that really work on their input, and a log that can be read.
func config(log *bytes.Buffer) Config {
	return Config{
		Operations: []Operation{
			Op(ECS, "ListClusters", Read, func(_ context.Context, in *sdk.ListClustersInput) (*sdk.ListClustersOutput, error) {
				return &sdk.ListClustersOutput{ClusterArns: []string{"a"}, NextToken: in.NextToken}, nil
			}),
			Op(ECS, "CreateCluster", Admin, func(_ context.Context, in *sdk.CreateClusterInput) (*sdk.CreateClusterOutput, error) {
				return &sdk.CreateClusterOutput{Cluster: &types.Cluster{ClusterName: in.ClusterName}}, nil
			}),
			Op(ECS, "DeleteCluster", Admin, func(_ context.Context, in *sdk.DeleteClusterInput) (*sdk.DeleteClusterOutput, error) {
				switch aws.ToString(in.Cluster) {
				case "panic":
					panic("cluster on fire")
				case "fault":
					return nil, errors.New("disk full on /secret/path")
				case "abort":
					panic(http.ErrAbortHandler)
				}
				return nil, ecs.Errorf(ecs.ClusterNotFoundException, "Cluster not found.")
			}),
			Op(Logs, "GetLogEvents", Admin, func(context.Context, *cloudwatchlogs.GetLogEventsInput) (*cloudwatchlogs.GetLogEventsOutput, error) {
				return &cloudwatchlogs.GetLogEventsOutput{NextForwardToken: aws.String("f")}, nil
			}),
			Op(STS, "GetCallerIdentity", Read, func(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
				p, ok := PrincipalFrom(ctx)
				if !ok {
					return nil, errors.New("no principal")
				}
				return &sts.GetCallerIdentityOutput{Account: &p.Account, Arn: aws.String(p.ARN()), UserId: aws.String(p.UserID())}, nil
			}),
		},
		Account:   account,
		Now:       func() time.Time { return noon },
		RequestID: func() string { return "id-1" },
		Log:       slog.New(slog.NewTextHandler(log, nil)),
	}
}

// ask builds a request: header is "Name: value" lines.
func ask(method, target, header, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "localhost:4510"
	for line := range strings.SplitSeq(header, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			if name == "Host" {
				r.Host = value
			} else {
				r.Header.Set(name, value)
			}
		}
	}
	return r
}

const (
	targetECS = "X-Amz-Target: AmazonEC2ContainerServiceV20141113."
	isForm    = "Content-Type: application/x-www-form-urlencoded; charset=utf-8"
)

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, header, body string
		status             int
		want               string
		errorType          string
	}{
		{"an answer", targetECS + "ListClusters", `{"nextToken":"t"}`, 200, `{"clusterArns":["a"],"nextToken":"t"}`, ""},
		{"an empty body", targetECS + "ListClusters", ``, 200, `{"clusterArns":["a"]}`, ""},
		{"another service", "X-Amz-Target: Logs_20140328.GetLogEvents", `{}`, 200, `{"nextForwardToken":"f"}`, ""},
		{"an error of the operation", targetECS + "DeleteCluster", `{}`, 400, `{"__type":"ClusterNotFoundException","message":"Cluster not found."}`, "ClusterNotFoundException"},
		{"a fault of the server", targetECS + "DeleteCluster", `{"cluster":"fault"}`, 500, `{"__type":"ServerException","message":"Service Unavailable. Please try again later."}`, "ServerException"},
		{"a panic", targetECS + "DeleteCluster", `{"cluster":"panic"}`, 500, `{"__type":"ServerException","message":"Service Unavailable. Please try again later."}`, "ServerException"},
		{"a wrong type", targetECS + "CreateCluster", `{"clusterName":1}`, 400, `{"__type":"SerializationException","message":"NUMBER_VALUE can not be converted to a String (at clusterName)"}`, "SerializationException"},
		{"a known service's unknown operation", targetECS + "MakeCoffee", `{}`, 400, `{"__type":"UnknownOperationException","message":"The operation MakeCoffee of ecs is not served here."}`, "UnknownOperationException"},
		{"an operation that something else stands in for", targetECS + "ExecuteCommand", `{}`, 400, `{"__type":"UnknownOperationException","message":"The operation ExecuteCommand of ecs is not served here. \"ballast exec\" runs a command in a container."}`, "UnknownOperationException"},
		{"an operation of another service", targetECS + "GetLogEvents", `{}`, 400, `{"__type":"UnknownOperationException","message":"The operation GetLogEvents of ecs is not served here."}`, "UnknownOperationException"},
		{"an unknown service", "X-Amz-Target: DynamoDB_20120810.ListTables", `{}`, 400, `{"__type":"UnknownOperationException","message":"No operation \"DynamoDB_20120810.ListTables\" is served here."}`, "UnknownOperationException"},
		{"no operation at all", "", `{}`, 400, `{"__type":"UnknownOperationException","message":"The request names no operation: it has neither an X-Amz-Target header nor a form with an Action."}`, "UnknownOperationException"},
		{"a body that is too large", targetECS + "ListClusters", strings.Repeat(" ", maxBody+1), 413, `{"__type":"RequestEntityTooLargeException","message":"The request body is larger than 1048576 bytes."}`, "RequestEntityTooLargeException"},
		{"a query", isForm, "Action=GetCallerIdentity&Version=2011-06-15", 200, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>123456789012</Account>` +
			`<Arn>arn:aws:iam::123456789012:root</Arn><UserId>123456789012</UserId></GetCallerIdentityResult><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>`, ""},
		{"an unknown query", isForm, "Action=AssumeRole&Version=2011-06-15", 400, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>InvalidAction</Code>` +
			`<Message>Could not find operation AssumeRole for version 2011-06-15</Message></Error><RequestId>id-1</RequestId></ErrorResponse>`, "InvalidAction"},
		{"a query of an unknown service", isForm, "Action=ListUsers&Version=2010-05-08", 400, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>InvalidAction</Code>` +
			`<Message>Could not find operation ListUsers for version 2010-05-08</Message></Error><RequestId>id-1</RequestId></ErrorResponse>`, "InvalidAction"},
		{"a form that is none", isForm, "Action=%zz", 400, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>MalformedInput</Code>` +
			`<Message>The request body is not a form: invalid URL escape &#34;%zz&#34;</Message></Error><RequestId>id-1</RequestId></ErrorResponse>`, "MalformedInput"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			Handler(config(new(bytes.Buffer))).ServeHTTP(w, ask("POST", "/", tt.header, tt.body))
			if w.Code != tt.status || w.Body.String() != tt.want {
				t.Errorf("got  %d %s\nwant %d %s", w.Code, w.Body, tt.status, tt.want)
			}
			if got := w.Header().Get("X-Amzn-ErrorType"); got != tt.errorType {
				t.Errorf("error type %q, want %q", got, tt.errorType)
			}
			if got := w.Header().Get("X-Amzn-RequestId"); got != "id-1" {
				t.Errorf("request id %q", got)
			}
			for name := range w.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("CORS header %s", name)
				}
			}
		})
	}
}

func TestFaultsAreLogged(t *testing.T) {
	for cluster, want := range map[string][]string{
		"fault": {"ecs:DeleteCluster", "request=id-1", "disk full on /secret/path"},
		"panic": {"ecs:DeleteCluster", "request=id-1", "panic: cluster on fire", "handler_test.go"},
	} {
		var log bytes.Buffer
		Handler(config(&log)).ServeHTTP(httptest.NewRecorder(), ask("POST", "/", targetECS+"DeleteCluster", `{"cluster":"`+cluster+`"}`))
		for _, part := range want {
			if !strings.Contains(log.String(), part) {
				t.Errorf("%s: the log lacks %q:\n%s", cluster, part, &log)
			}
		}
	}
	var log bytes.Buffer
	h := Handler(config(&log))
	h.ServeHTTP(httptest.NewRecorder(), ask("POST", "/", targetECS+"DeleteCluster", `{}`))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	h.ServeHTTP(httptest.NewRecorder(), ask("POST", "/", targetECS+"DeleteCluster", `{"cluster":"fault"}`).WithContext(gone))
	if log.Len() > 0 {
		t.Errorf("what is the client's doing was logged: %s", &log)
	}
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("http.ErrAbortHandler became %v", v)
		}
	}()
	h.ServeHTTP(httptest.NewRecorder(), ask("POST", "/", targetECS+"DeleteCluster", `{"cluster":"abort"}`))
}

func TestContentTypeFollowsTheClient(t *testing.T) {
	for sent, want := range map[string]string{
		"": "application/x-amz-json-1.1", "application/x-amz-json-1.0": "application/x-amz-json-1.0",
		"application/x-amz-json-1.1": "application/x-amz-json-1.1", "application/json": "application/x-amz-json-1.1",
	} {
		w := httptest.NewRecorder()
		Handler(config(new(bytes.Buffer))).ServeHTTP(w, ask("POST", "/", targetECS+"ListClusters\nContent-Type: "+sent, "{}"))
		if got := w.Header().Get("Content-Type"); got != want {
			t.Errorf("sent %q, got %q, want %q", sent, got, want)
		}
	}
}

func TestHostAndOrigin(t *testing.T) {
	for _, tt := range []struct {
		header string
		status int
	}{
		{"Host: localhost", 200},
		{"Host: LocalHost.:4510", 200},
		{"Host: web.localhost:80", 200},
		{"Host: 127.0.0.1:4510", 200},
		{"Host: 127.44.0.9", 200},
		{"Host: [::1]:4510", 200},
		{"Host: [::1]", 200},
		{"Host: [::ffff:127.0.0.1]:1", 200},
		{"Host: ballast.example:4510", 200},
		{"Host: BALLAST.example", 200},
		{"Host: ", 403},
		{"Host: evil.example", 403},
		{"Host: localhost.evil.example", 403},
		{"Host: notlocalhost", 403},
		{"Host: 127.0.0.1.evil.example", 403},
		{"Host: 10.0.0.1", 403},
		{"Host: 0.0.0.0", 403},
		{"Host: a.ballast.example", 403},
		{"Origin: http://localhost:4510", 200},
		{"Origin: http://localhost:3000", 403},
		{"Origin: https://evil.example", 403},
		{"Origin: null", 403},
		{"Origin: %", 403},
		{"Sec-Fetch-Site: cross-site", 403},
		{"Sec-Fetch-Site: same-origin", 200},
		{"Sec-Fetch-Site: none", 200},
	} {
		c := config(new(bytes.Buffer))
		c.Hosts = []string{"ballast.Example"}
		for _, r := range []*http.Request{
			ask("POST", "/", targetECS+"ListClusters\n"+tt.header, "{}"),
			ask("GET", "/", tt.header, ""),
			ask("GET", "/healthz", tt.header, ""),
		} {
			w := httptest.NewRecorder()
			Handler(c).ServeHTTP(w, r)
			if w.Code != tt.status {
				t.Errorf("%s %s with %q: %d, want %d", r.Method, r.URL, tt.header, w.Code, tt.status)
			}
			if w.Code == 403 && !strings.Contains(w.Body.String(), "Use the AWS CLI") && !strings.Contains(w.Body.String(), "Reach it") && !strings.Contains(w.Body.String(), "Type the") {
				t.Errorf("%q: no remedy in %s", tt.header, w.Body)
			}
		}
	}
}

func TestPages(t *testing.T) {
	c := config(new(bytes.Buffer))
	for _, tt := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/healthz", 200, "ok\n"},
		{"GET", "/", 200, "export AWS_ENDPOINT_URL=http://localhost:4510 AWS_REGION=us-east-1"},
		{"GET", "/", 200, "checks none"},
		{"GET", "/nothing", 404, "not found"},
		{"PUT", "/", 405, "Only GET"},
		{"POST", "/elsewhere", 405, "API calls are POST requests to /."},
	} {
		w := httptest.NewRecorder()
		Handler(c).ServeHTTP(w, ask(tt.method, tt.path, "", ""))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s %s: %d %q, want %d %q", tt.method, tt.path, w.Code, w.Body, tt.status, tt.want)
		}
	}
	c.Pages = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "console "+r.URL.Path) })
	w := httptest.NewRecorder()
	Handler(c).ServeHTTP(w, ask("GET", "/services", "", ""))
	if w.Body.String() != "console /services" {
		t.Errorf("with pages: %q", w.Body)
	}
}

func TestIndexRefusesMistakes(t *testing.T) {
	good := config(new(bytes.Buffer)).Operations[0]
	for name, ops := range map[string][]Operation{"twice": {good, good}, "no access": {{Service: ECS, Name: "X", New: good.New, Handle: good.Handle}}, "no handler": {{Service: ECS, Name: "X", Access: Read, New: good.New}}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			index(ops)
		}()
	}
}

// TestRealClients drives a real server with the SDK's own clients.
func TestRealClients(t *testing.T) {
	c := config(new(bytes.Buffer))
	c.Now = time.Now
	c.Credentials = credentials(t)
	server := httptest.NewServer(Handler(c))
	defer server.Close()
	keys := func(key, secret string) aws.CredentialsProvider {
		return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, nil
		})
	}
	client := func(key, secret string) *sdk.Client {
		return sdk.New(sdk.Options{Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: keys(key, secret), RetryMaxAttempts: 1})
	}
	admin, reader := client("ADMIN", adminSecret), client("READER", readerSecret)
	made, err := admin.CreateCluster(t.Context(), &sdk.CreateClusterInput{ClusterName: aws.String("shop \u00e9")})
	if err != nil || *made.Cluster.ClusterName != "shop \u00e9" {
		t.Errorf("CreateCluster as admin: %v, %v", made, err)
	}
	if _, err := reader.ListClusters(t.Context(), &sdk.ListClustersInput{}); err != nil {
		t.Errorf("ListClusters as reader: %v", err)
	}
	_, err = reader.CreateCluster(t.Context(), &sdk.CreateClusterInput{})
	wantCode(t, "CreateCluster as reader", err, "AccessDeniedException")
	_, err = client("ADMIN", "wrong-secret").ListClusters(t.Context(), &sdk.ListClustersInput{})
	wantCode(t, "a wrong secret", err, "InvalidSignatureException")
	_, err = client("NOBODY", adminSecret).ListClusters(t.Context(), &sdk.ListClustersInput{})
	wantCode(t, "an unknown key", err, "UnrecognizedClientException")
	_, err = admin.DeleteCluster(t.Context(), &sdk.DeleteClusterInput{Cluster: aws.String("x")})
	if _, ok := errors.AsType[*types.ClusterNotFoundException](err); !ok {
		t.Errorf("DeleteCluster: %v", err)
	}
	whoami := func(key, secret string) (*sts.GetCallerIdentityOutput, error) {
		return sts.New(sts.Options{Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: keys(key, secret), RetryMaxAttempts: 1}).
			GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	}
	me, err := whoami("READER", readerSecret)
	if err != nil || *me.Arn != "arn:aws:iam::123456789012:user/READER" || *me.Account != account || *me.UserId != "READER" {
		t.Errorf("GetCallerIdentity: %+v, %v", me, err)
	}
	_, err = whoami("NOBODY", readerSecret)
	wantCode(t, "GetCallerIdentity of an unknown key", err, "InvalidClientTokenId")
	_, err = whoami("READER", "wrong-secret")
	wantCode(t, "GetCallerIdentity with a wrong secret", err, "SignatureDoesNotMatch")
}

func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}
