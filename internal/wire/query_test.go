package wire

import (
	"encoding/base64"
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// form has a member of every kind that Query services use.
type form struct {
	Name    *string
	Flag    bool
	Count   *int32
	Ratio   float64
	At      *time.Time
	Raw     []byte
	Names   []string
	Parts   []part
	Inner   *part
	Refused map[string]string
}

type part struct {
	Key    *string
	Values []string
}

func TestDecodeQuery(t *testing.T) {
	for _, tt := range []struct {
		body string
		want form
	}{
		{"", form{}},
		{"Action=Op&Version=2011-06-15&Other.member.1=x", form{}},
		{"Name=a%20b+c&Flag=true&Count=-3&Ratio=0.5", form{Name: aws.String("a b c"), Flag: true, Count: aws.Int32(-3), Ratio: 0.5}},
		{"Name=first&Name=second", form{Name: aws.String("first")}},
		{"At=2026-01-02T03:04:05Z&Raw=" + base64.StdEncoding.EncodeToString([]byte("hi")),
			form{At: aws.Time(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), Raw: []byte("hi")}},
		{"Names.member.10=c&Names.member.2=b&Names.member.1=a", form{Names: []string{"a", "b", "c"}}},
		{"Names=", form{Names: []string{}}},
		{"Parts.member.1.Key=k&Parts.member.1.Values.member.1=v&Parts.member.2.Key=l",
			form{Parts: []part{{Key: aws.String("k"), Values: []string{"v"}}, {Key: aws.String("l")}}}},
		{"Inner.Key=k", form{Inner: &part{Key: aws.String("k")}}},
	} {
		values, err := url.ParseQuery(tt.body)
		if err != nil {
			t.Fatal(err)
		}
		var got form
		if err := DecodeQuery(values, &got); err != nil {
			t.Errorf("%s: %v", tt.body, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.body, diff)
		}
	}
}

func TestDecodeQueryRefuses(t *testing.T) {
	for _, tt := range []struct{ body, want string }{
		{"Count=x", `MalformedInput: Value "x" of parameter Count is not a valid integer`},
		{"Count=3000000000", `MalformedInput: Value "3000000000" of parameter Count is not a valid integer`},
		{"Flag=1", `MalformedInput: Value "1" of parameter Flag is not a valid boolean`},
		{"At=today", `MalformedInput: Value "today" of parameter At is not a valid timestamp`},
		{"Raw=%21", `MalformedInput: Value "!" of parameter Raw is not a valid base64 string`},
		{"Names.member.0=a", `MalformedInput: Parameter Names.member.0: list elements are numbered from 1`},
		{"Names.member.01=a", `MalformedInput: Parameter Names.member.01: list elements are numbered from 1`},
		{"Names.1=a", `MalformedInput: Parameter Names is a list: name its elements Names.member.1 and so on`},
		{"Names=a", `MalformedInput: Parameter Names is a list: name its elements Names.member.1 and so on`},
		{"Name.member.1=a", `MalformedInput: Parameter Name is not a structure or list`},
		{strings.Repeat("a.", 64) + "b=1", `MalformedInput: A parameter's name is nested deeper than 64 levels`},
		{"Refused.entry.1.key=k", "decode AWS Query: parameter Refused: no way to read a map[string]string"},
	} {
		values, err := url.ParseQuery(tt.body)
		if err != nil {
			t.Fatal(err)
		}
		if err := DecodeQuery(values, &form{}); err == nil || err.Error() != tt.want {
			t.Errorf("%s\n got %v\nwant %s", tt.body, err, tt.want)
		}
	}
}

func TestAppendXML(t *testing.T) {
	got, err := AppendXML(nil, stsNamespace, "GetCallerIdentity", "id-1", &sts.GetCallerIdentityOutput{Account: aws.String("123456789012"), Arn: aws.String("a<&>\"\x01\n")})
	if err != nil {
		t.Fatal(err)
	}
	want := `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>123456789012</Account>` +
		"<Arn>a&lt;&amp;&gt;&#34;\ufffd&#xa;</Arn></GetCallerIdentityResult><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got, err = AppendXML(nil, stsNamespace, "Op", "id", &form{Flag: true, Count: aws.Int32(2), At: aws.Time(time.UnixMilli(1500).UTC()), Raw: []byte("hi"),
		Names: []string{}, Parts: []part{{Key: aws.String("k"), Values: []string{"v", "w"}}}, Inner: &part{}})
	if err != nil {
		t.Fatal(err)
	}
	want = `<Flag>true</Flag><Count>2</Count><Ratio>0</Ratio><At>1970-01-01T00:00:01.500Z</At><Raw>aGk=</Raw><Names></Names>` +
		`<Parts><member><Key>k</Key><Values><member>v</member><member>w</member></Values></member></Parts><Inner></Inner></OpResult>`
	if !strings.Contains(string(got), want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := AppendXML(nil, "n", "Op", "id", &form{Refused: map[string]string{}}); err == nil || !strings.Contains(err.Error(), "member Refused: no way") {
		t.Errorf("a map was encoded: %v", err)
	}
}

func TestErrorDocuments(t *testing.T) {
	if got, want := string(AppendJSONError(nil, "ClientException", "say \"no\"")), `{"__type":"ClientException","message":"say \"no\""}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got := AppendXMLError(nil, stsNamespace, "Sender", "AccessDenied", "a<b", "id-1")
	want := `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>a&lt;b</Message></Error><RequestId>id-1</RequestId></ErrorResponse>`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := xml.Unmarshal(got, new(struct{ RequestId string })); err != nil {
		t.Error(err)
	}
}

func FuzzDecodeQuery(f *testing.F) {
	for _, body := range []string{"", "Name=a&Count=1", "Parts.member.1.Values.member.2=x", "Names.member.1=&Names=", "....=", "Inner..Key=1", "At=0"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		values, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		var first, second form
		errFirst := DecodeQuery(values, &first)
		errSecond := DecodeQuery(values, &second)
		if (errFirst == nil) != (errSecond == nil) || errFirst != nil && errFirst.Error() != errSecond.Error() {
			t.Fatalf("two answers: %v, %v", errFirst, errSecond)
		}
		if diff := cmp.Diff(first, second, cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("two results:\n%s", diff)
		}
		if errFirst != nil || first.Refused != nil {
			return
		}
		text, err := AppendXML(nil, stsNamespace, "Op", "id", &first)
		if err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal(text, new(struct{ XMLName xml.Name })); err != nil {
			t.Fatalf("not XML: %v\n%s", err, text)
		}
	})
}

func TestSTSInputsDecode(t *testing.T) {
	values, err := url.ParseQuery("Action=AssumeRole&RoleArn=r&DurationSeconds=900&Tags.member.1.Key=k&Tags.member.1.Value=v")
	if err != nil {
		t.Fatal(err)
	}
	var got sts.AssumeRoleInput
	if err := DecodeQuery(values, &got); err != nil {
		t.Fatal(err)
	}
	want := sts.AssumeRoleInput{RoleArn: aws.String("r"), DurationSeconds: aws.Int32(900), Tags: []ststypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(sts.AssumeRoleInput{}, ststypes.Tag{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
