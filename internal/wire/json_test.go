package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ballast/internal/ecs"
)

func TestAppendJSON(t *testing.T) {
	at := func(s string) *time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return &v
	}
	for _, tt := range []struct {
		name string
		in   any
		want string
	}{
		{"nil is left out", &sdk.ListClustersOutput{}, `{}`},
		{"empty list is written", &sdk.ListClustersOutput{ClusterArns: []string{}}, `{"clusterArns":[]}`},
		{"names as the schema has them", &cloudwatchlogs.DescribeLogStreamsOutput{LogStreams: []logstypes.LogStream{{LogStreamName: aws.String("s")}}},
			`{"logStreams":[{"logStreamName":"s"}]}`},
		{"zero counts are written", &sdk.CreateClusterOutput{Cluster: &types.Cluster{ClusterName: aws.String("c"), RunningTasksCount: 2}},
			`{"cluster":{"clusterName":"c","activeServicesCount":0,"pendingTasksCount":0,"registeredContainerInstancesCount":0,"runningTasksCount":2}}`},
		{"time with a fraction", &sdk.SubmitTaskStateChangeInput{PullStartedAt: at("2026-01-02T03:04:05.120999Z")}, `{"pullStartedAt":1767323045.12}`},
		{"time on the second", &sdk.SubmitTaskStateChangeInput{PullStartedAt: at("2026-01-02T03:04:05Z")}, `{"pullStartedAt":1767323045}`},
		{"time before 1970", &sdk.SubmitTaskStateChangeInput{PullStartedAt: at("1969-12-31T23:59:59.5Z")}, `{"pullStartedAt":-0.5}`},
		{"floats", &sdk.UpdateTaskSetInput{Scale: &types.Scale{Value: 100}}, `{"scale":{"value":100.0}}`},
		{"float fraction", &sdk.UpdateTaskSetInput{Scale: &types.Scale{Value: 33.3}}, `{"scale":{"value":33.3}}`},
		{"map keys are sorted", &cloudwatchlogs.ListTagsLogGroupOutput{Tags: map[string]string{"b": "2", "a": "1", "c": "3", "a!": "4"}},
			`{"tags":{"a":"1","a!":"4","b":"2","c":"3"}}`},
		{"strings", &sdk.ListClustersOutput{NextToken: aws.String("a\"\\/\b\f\n\r\t\x00\x7f<&>\u2028\u2029\u00e9\U0001F600\xff.")},
			`{"nextToken":"a\"\\/\u0008\u000c\n\r\t\u0000` + "\x7f" + `<&>\u2028\u2029` + "\u00e9\U0001F600\ufffd" + `."}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, string(encode(t, tt.in))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for c := range 256 { // each byte at each place of a word of eight, against encoding/json
		for at := range 9 {
			s := strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat("b", 8-at)
			var got string
			if err := json.Unmarshal(AppendString(nil, s), &got); err != nil || got != strings.ToValidUTF8(s, "\ufffd") {
				t.Errorf("%q became %q, %v", s, got, err)
			}
		}
	}
	for _, bad := range []any{nil, "text", &struct{}{}, (*sdk.ListClustersOutput)(nil), &sts.GetCallerIdentityOutput{}} {
		if _, err := AppendJSON(nil, bad); err == nil {
			t.Errorf("AppendJSON of %T did not fail", bad)
		}
	}
}

func TestDecodeJSON(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       any
	}{
		{"empty body", "", &sdk.ListClustersInput{}},
		{"white space", " \r\n\t", &sdk.ListClustersInput{}},
		{"members", `{"maxResults":5,"nextToken":"t"}`, &sdk.ListClustersInput{MaxResults: aws.Int32(5), NextToken: aws.String("t")}},
		{"null is absent", `{"maxResults":null}`, &sdk.ListClustersInput{}},
		{"the last of equal names counts", `{"maxResults":5,"maxResults":6}`, &sdk.ListClustersInput{MaxResults: aws.Int32(6)}},
		{"unknown members of every kind", `{"a":{"b":[1,-2.5e+3,"x",true,false,null,{}]},"maxResults":1}`, &sdk.ListClustersInput{MaxResults: aws.Int32(1)}},
		{"names are exact", `{"MaxResults":5,"maxresults":5}`, &sdk.ListClustersInput{}},
		{"whole numbers in other writings", `{"maxResults":5.0e1}`, &sdk.ListClustersInput{MaxResults: aws.Int32(50)}},
		{"escapes", `{"nextToken":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83d."}`, &sdk.ListClustersInput{NextToken: aws.String("\"\\/\b\f\n\r\t\u00e9\U0001F600\ufffd.")}},
		{"lists", `{"tasks":["a","b"],"include":[]}`, &sdk.DescribeTasksInput{Tasks: []string{"a", "b"}, Include: []types.TaskField{}}},
		{"enums as they come", `{"include":["NONSENSE"]}`, &sdk.DescribeTasksInput{Include: []types.TaskField{"NONSENSE"}}},
		{"times", `{"pullStartedAt":1767323045.12}`, &sdk.SubmitTaskStateChangeInput{PullStartedAt: aws.Time(time.UnixMilli(1767323045120).UTC())}},
		{"value members", `{"enableECSManagedTags":true,"count":0}`, &sdk.RunTaskInput{EnableECSManagedTags: true, Count: aws.Int32(0)}},
		{"maps", `{"containerDefinitions":[{"dockerLabels":{"k":"v"}}]}`,
			&sdk.RegisterTaskDefinitionInput{ContainerDefinitions: []types.ContainerDefinition{{DockerLabels: map[string]string{"k": "v"}}}}},
		{"unions", `{"configuration":{"hostSharedAlb":{},"later":1}}`,
			&sdk.CreateGatewayInput{Configuration: &types.GatewayConfigurationMemberHostSharedAlb{}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := reflect.New(reflect.TypeOf(tt.want).Elem()).Interface()
			if err := DecodeJSON([]byte(tt.body), got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(sdk.ListClustersInput{}, sdk.DescribeTasksInput{}, sdk.SubmitTaskStateChangeInput{},
				sdk.RunTaskInput{}, sdk.RegisterTaskDefinitionInput{}, types.ContainerDefinition{}, sdk.CreateGatewayInput{},
				types.GatewayConfigurationMemberHostSharedAlb{}, types.HostSharedAlbConfiguration{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeJSONRefuses(t *testing.T) {
	for _, tt := range []struct {
		in         any
		body, want string
	}{
		{&sdk.ListClustersInput{}, `{"maxResults":"5"}`, "STRING_VALUE can not be converted to an Integer (at maxResults)"},
		{&sdk.ListClustersInput{}, `{"maxResults":1.5}`, "NUMBER_VALUE 1.5 can not be converted to an Integer of 32 bits (at maxResults)"},
		{&sdk.ListClustersInput{}, `{"maxResults":2147483648}`, "NUMBER_VALUE 2147483648 can not be converted to an Integer of 32 bits (at maxResults)"},
		{&sdk.ListClustersInput{}, `{"maxResults":3e9}`, "NUMBER_VALUE 3e9 can not be converted to an Integer of 32 bits (at maxResults)"},
		{&sdk.ListClustersInput{}, `{"maxResults":[]}`, "Start of list found where not expected (at maxResults)"},
		{&sdk.ListClustersInput{}, `{"nextToken":{}}`, "Start of structure or map found where not expected (at nextToken)"},
		{&sdk.ListClustersInput{}, `{"nextToken":5}`, "NUMBER_VALUE can not be converted to a String (at nextToken)"},
		{&sdk.RunTaskInput{}, `{"enableECSManagedTags":"true"}`, "STRING_VALUE can not be converted to a Boolean (at enableECSManagedTags)"},
		{&sdk.RunTaskInput{}, `{"tags":"a"}`, "Expected list or null, found STRING_VALUE (at tags)"},
		{&sdk.RunTaskInput{}, `{"tags":[{"key":"a"},{"key":true}]}`, "TRUE_VALUE can not be converted to a String (at tags[1].key)"},
		{&sdk.RunTaskInput{}, `{"tags":[null]}`, "NULL_VALUE found in a list or map that holds no nulls (at tags[0])"},
		{&sdk.RunTaskInput{}, `{"overrides":false}`, "Expected structure, map or null, found FALSE_VALUE (at overrides)"},
		{&sdk.RegisterTaskDefinitionInput{}, `{"containerDefinitions":[{"dockerLabels":{"k":1}}]}`,
			"NUMBER_VALUE can not be converted to a String (at containerDefinitions[0].dockerLabels.k)"},
		{&sdk.SubmitTaskStateChangeInput{}, `{"pullStartedAt":"2026-01-02T03:04:05Z"}`, "STRING_VALUE can not be converted to milliseconds since epoch (at pullStartedAt)"},
		{&sdk.SubmitTaskStateChangeInput{}, `{"pullStartedAt":1e300}`, "NUMBER_VALUE 1e300 can not be converted to milliseconds since epoch (at pullStartedAt)"},
		{&sdk.CreateGatewayInput{}, `{"configuration":{"hostSharedAlb":{},"hostSharedAlb":{}}}`, "More than one member of a union is set (at configuration.hostSharedAlb)"},
		{&sdk.ListClustersInput{}, `[]`, "Start of list found where not expected"},
		{&sdk.ListClustersInput{}, `null`, "Expected structure, map or null, found NULL_VALUE"},
		{&sdk.ListClustersInput{}, `{} x`, "Malformed JSON at byte 3 of the request body: something follows the end of the request"},
		{&sdk.ListClustersInput{}, `{}{}`, "Malformed JSON at byte 2 of the request body: something follows the end of the request"},
		{&sdk.ListClustersInput{}, `{"maxResults":5`, "Unexpected end of the request body: expected ',' or '}'"},
		{&sdk.ListClustersInput{}, `{"maxResults":5,}`, "Malformed JSON at byte 16 of the request body: a comma with nothing after it"},
		{&sdk.ListClustersInput{}, `{maxResults:5}`, "Malformed JSON at byte 1 of the request body: expected a member's name"},
		{&sdk.ListClustersInput{}, `{"maxResults":05}`, "Malformed JSON at byte 15 of the request body: expected ',' or '}'"},
		{&sdk.ListClustersInput{}, `{"maxResults":}`, "Malformed JSON at byte 14 of the request body: expected a digit"},
		{&sdk.ListClustersInput{}, `{"a":tru}`, "Malformed JSON at byte 5 of the request body: expected a value"},
		{&sdk.ListClustersInput{}, "{\"nextToken\":\"\xff\"}", "Malformed JSON at byte 14 of the request body: invalid UTF-8 in a string"},
		{&sdk.ListClustersInput{}, "{\"nextToken\":\"\\n\xff\"}", "Malformed JSON at byte 14 of the request body: invalid UTF-8 in a string"},
		{&sdk.ListClustersInput{}, "{\"nextToken\":\"\n\"}", "Malformed JSON at byte 14 of the request body: a control character in a string"},
		{&sdk.ListClustersInput{}, `{"nextToken":"\x"}`, "Malformed JSON at byte 14 of the request body: an unknown escape in a string"},
		{&sdk.ListClustersInput{}, `{"nextToken":"abc`, "Unexpected end of the request body: a string without its closing quote"},
		{&sdk.ListClustersInput{}, `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "The request body is nested deeper than 64 levels"},
		{&sdk.RegisterTaskDefinitionInput{}, `{"containerDefinitions":[` + strings.Repeat("{},", maxElements) + `{}]}`,
			"A list has more than 10000 elements (at containerDefinitions)"},
	} {
		err := DecodeJSON([]byte(tt.body), tt.in)
		got, ok := errors.AsType[*ecs.Error](err)
		if !ok || got.Code != ecs.SerializationException || got.Message != tt.want {
			t.Errorf("%s\n got %v\nwant %s", tt.body, err, tt.want)
		}
	}
	if err := DecodeJSON([]byte(`{"a":`+strings.Repeat("[", 63)+strings.Repeat("]", 63)+`}`), &sdk.ListClustersInput{}); err != nil {
		t.Errorf("64 levels: %v", err)
	}
	if err := DecodeJSON([]byte(`{"containerDefinitions":[`+strings.Repeat("{},", maxElements-1)+`{}]}`), &sdk.RegisterTaskDefinitionInput{}); err != nil {
		t.Errorf("%d elements: %v", maxElements, err)
	}
	if err := DecodeJSON([]byte(`{}`), sdk.ListClustersInput{}); err == nil {
		t.Error("decoding into a value did not fail")
	}
}

// TestDecodeKeepsNoBody changes the body after decoding: long-lived records must not pin or see a request's buffer.
func TestDecodeKeepsNoBody(t *testing.T) {
	body := []byte(`{"tasks":["abc","d\ne"],"cluster":"c"}`)
	var in sdk.DescribeTasksInput
	if err := DecodeJSON(body, &in); err != nil {
		t.Fatal(err)
	}
	for i := range body {
		body[i] = 'Z'
	}
	if got, want := in.Tasks[0]+in.Tasks[1]+*in.Cluster, "abcd\nec"; got != want {
		t.Errorf("after the body changed: %q, want %q", got, want)
	}
}

func TestMissing(t *testing.T) {
	for _, tt := range []struct {
		in   any
		path string
	}{
		{&sdk.ListClustersInput{}, ""},
		{&sdk.RunTaskInput{}, "taskDefinition"},
		{&sdk.RunTaskInput{TaskDefinition: aws.String("")}, ""},
		{&sdk.RegisterTaskDefinitionInput{}, "containerDefinitions"},
		{&sdk.RegisterTaskDefinitionInput{Family: aws.String("f")}, "containerDefinitions"},
		{&sdk.RegisterTaskDefinitionInput{ContainerDefinitions: []types.ContainerDefinition{}}, "family"},
		{&sdk.RegisterTaskDefinitionInput{Family: aws.String("f"), ContainerDefinitions: []types.ContainerDefinition{{}, {HealthCheck: &types.HealthCheck{}}}},
			"containerDefinitions[1].healthCheck.command"},
		{&sdk.RegisterTaskDefinitionInput{Family: aws.String("f"), ContainerDefinitions: []types.ContainerDefinition{{Secrets: []types.Secret{{Name: aws.String("n")}}}}},
			"containerDefinitions[0].secrets[0].valueFrom"},
		{&sdk.RegisterTaskDefinitionInput{Family: aws.String("f"), ContainerDefinitions: []types.ContainerDefinition{{Ulimits: []types.Ulimit{{}}}}},
			"containerDefinitions[0].ulimits[0].name"},
		{&sdk.CreateServiceInput{ServiceName: aws.String("s"), NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{}}},
			"networkConfiguration.awsvpcConfiguration.subnets"},
		{&cloudwatchlogs.GetLogEventsInput{}, "logStreamName"},
		{&sts.GetCallerIdentityInput{}, ""},
		{&struct{ A *string }{}, ""},
		{nil, ""},
	} {
		path, missing := Missing(tt.in)
		if path != tt.path || missing != (tt.path != "") {
			t.Errorf("Missing(%s) = %q, %v, want %q", encodeOrName(tt.in), path, missing, tt.path)
		}
	}
	if err := Required(&sdk.RunTaskInput{}); err == nil || err.Error() != "InvalidParameterException: taskDefinition can not be blank." {
		t.Errorf("Required(RunTask) = %v", err)
	}
	if err := Required(&sdk.RegisterTaskDefinitionInput{}); err == nil || err.Error() != "ClientException: containerDefinitions should not be null or empty." {
		t.Errorf("Required(RegisterTaskDefinition) = %v", err)
	}
	if err := Required(&sdk.ListClustersInput{}); err != nil {
		t.Errorf("Required(ListClusters) = %v", err)
	}
}

func encodeOrName(in any) string {
	text, err := AppendJSON(nil, in)
	if err != nil {
		return fmt.Sprintf("%T", in)
	}
	return string(text)
}

// TestMissingAgreesWithSDK asks the SDK's own validation about random inputs of every operation.
func TestMissingAgreesWithSDK(t *testing.T) {
	complained := 0
	for _, op := range operations(t) {
		for seed := range uint64(6) {
			v := reflect.New(op.in)
			random(newRand(seed), v.Elem())
			_, missing := Missing(v.Interface())
			theirs := complaints(v.Interface())
			if missing != (len(theirs) > 0) {
				t.Errorf("%s: missing = %v, the SDK misses %q in\n%s", op.name, missing, theirs, encode(t, v.Interface()))
			}
			if missing {
				complained++
			}
		}
	}
	if complained == 0 {
		t.Error("no random input missed anything")
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, body := range []string{``, `{}`, `{"family":"f","containerDefinitions":[{"name":"a","cpu":1e1,"essential":true,"dockerLabels":{"a":"b"}}]}`,
		`{"a":[1,-0.5E-3,null,"\u00e9\ud83d\ude00"]}`, `{"containerDefinitions":[{}]`, `{"tags":[{"key":"k","value":null}]} `, "{\"family\":\"\xff\"}"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var in sdk.RegisterTaskDefinitionInput
		err := DecodeJSON(body, &in)
		if err != nil {
			if _, ok := errors.AsType[*ecs.Error](err); !ok {
				t.Fatalf("an error that the client would not see: %v", err)
			}
			return
		}
		if strings.TrimSpace(string(body)) != "" && !json.Valid(body) {
			t.Fatalf("accepted what is not JSON: %q", body)
		}
		first := encode(t, &in)
		var again sdk.RegisterTaskDefinitionInput
		if err := DecodeJSON(first, &again); err != nil {
			t.Fatalf("refused its own encoding: %v\n%s", err, first)
		}
		if diff := cmp.Diff(string(first), string(encode(t, &again))); diff != "" {
			t.Fatalf("decode, encode is not stable:\n%s", diff)
		}
	})
}

func FuzzScanner(f *testing.F) {
	for _, text := range []string{`0`, `-0.0e+10`, `[{"a":"b"},[],""]`, `"\u00"`, `01`, `[1,]`, `{"a"}`, `nul`, "\"\\ud800\""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := scanner{data: text}
		err := s.ignore()
		accepted := err == nil && s.peek() == 0 && s.pos == len(text)
		switch valid := json.Valid(text); {
		case accepted && !valid:
			t.Fatalf("accepted what encoding/json refuses: %q", text)
		case !accepted && valid && !strings.Contains(fmt.Sprint(err), "nested deeper") && !strings.Contains(fmt.Sprint(err), "UTF-8"):
			t.Fatalf("refused what encoding/json accepts: %q: %v", text, err)
		}
	})
}
