package environment

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ballast/internal/ecs"
)

// "Spaces or quotation marks are included as part of the values for Amazon ECS files" (developer guide, Pass environment variables to a
// container).
func TestParseFile(t *testing.T) {
	got := parseFile("# comment\nA=1\r\nB= two words \nC=\"quoted\"\n\n #D=4\nE\nF=\n=G\nH=x=y=z\nA=2\nLAST=9")
	want := []ecs.Variable{{Name: "A", Value: "2"}, {Name: "B", Value: " two words "}, {Name: "C", Value: `"quoted"`}, {Name: " #D", Value: "4"},
		{Name: "H", Value: "x=y=z"}, {Name: "LAST", Value: "9"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add("A=1\n#B\nC==")
	f.Fuzz(func(t *testing.T, text string) {
		seen := map[string]bool{}
		for _, v := range parseFile(text) {
			if v.Name == "" || v.Value == "" || strings.ContainsAny(v.Name, "=\n") || strings.Contains(v.Value, "\n") || seen[v.Name] ||
				!strings.Contains(text, v.Name+"="+v.Value) {
				t.Errorf("%q gave %+v", text, v)
			}
			seen[v.Name] = true
		}
	})
}

func TestFilePath(t *testing.T) {
	for ref, want := range map[string]string{
		"arn:aws:s3:::bucket/app.env":            "files/bucket/app.env",
		"arn:aws:s3:::bucket/team one/app.env":   "files/bucket/team one/app.env",
		"arn:aws:s3:::bucket/app.txt":            "",
		"arn:aws:s3:::bucket":                    "",
		"arn:aws:s3:::bucket/../../etc/x.env":    "",
		"arn:aws:s3:::../x.env":                  "",
		"arn:aws:s3:::bucket//x.env":             "",
		"arn:aws:s3:::bucket/a\x00b.env":         "",
		"s3://bucket/app.env":                    "",
		"arn:aws:ssm:r:1:parameter/bucket/a.env": "",
	} {
		if got, err := filePath(ref); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", ref, got, err, want)
		}
	}
}

// Secrets win over the definition, which wins over the files, of which the first wins; nothing else appears, each name once.
func TestMerged(t *testing.T) {
	variables := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) ecs.Variable {
		return ecs.Variable{Name: rapid.StringMatching("[A-F]").Draw(t, "name"), Value: rapid.StringMatching("[0-9]{4}").Draw(t, "value")}
	}), 0, 4, func(v ecs.Variable) string { return v.Name })
	rapid.Check(t, func(t *rapid.T) {
		defined, secrets := variables.Draw(t, "defined"), variables.Draw(t, "secrets")
		files := rapid.SliceOfN(variables, 0, 3).Draw(t, "files")
		before := slices.Clone(defined)
		got := merged(defined, files, secrets)
		want := map[string]string{}
		for _, list := range slices.Backward(append([][]ecs.Variable{secrets, defined}, files...)) {
			for _, v := range list {
				want[v.Name] = v.Value
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d variables, want %d", len(got), len(want))
		}
		for _, v := range got {
			if want[v.Name] != v.Value {
				t.Fatalf("%s is %q, want %q", v.Name, v.Value, want[v.Name])
			}
		}
		if !slices.Equal(before, defined) {
			t.Fatal("the definition has changed")
		}
	})
}
