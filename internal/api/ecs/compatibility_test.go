package ecs

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/google/go-cmp/cmp"
)

const (
	compatibilityPath = "../../../docs/compatibility.md"
	tablesBegin       = "<!-- tables: written by go test ./internal/api/ecs -run TestCompatibility -rewrite -->"
	tablesEnd         = "<!-- end of tables -->"
)

// TestCompatibility keeps the tables for users the same as the table that requests are checked against.
func TestCompatibility(t *testing.T) {
	text, err := os.ReadFile(compatibilityPath)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), tablesBegin)
	_, after, ended := strings.Cut(rest, tablesEnd)
	if !found || !ended {
		t.Fatalf("%s has lost the marks around its tables", compatibilityPath)
	}
	want := before + tablesBegin + "\n\n" + tables(t) + tablesEnd + after
	if *Rewrite {
		if err := os.WriteFile(compatibilityPath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("%s is behind; run go test ./internal/api/ecs -run TestCompatibility -rewrite\n%s", compatibilityPath, diff)
	}
}

func tables(t *testing.T) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### Operations\n\n| operation | |\n|---|---|\n")
	for _, name := range operations() {
		status := "later"
		if served[name] != nil {
			status = "works"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", name, status)
	}
	each(t, func(t *testing.T, operation string, in reflect.Type) {
		fmt.Fprintf(&b, "\n### %s\n\n| field | |\n|---|---|\n", operation)
		var refused []string
		walk(in, served[operation], path{}, func(p path, listed bool) {
			if !listed {
				refused = append(refused, "`"+p.name+"`")
				return
			}
			fmt.Fprintf(&b, "| `%s` | %s |\n", p.name, status(served[operation][p.name]))
		})
		if len(refused) > 0 {
			fmt.Fprintf(&b, "\nRefused by name: %s.\n", strings.Join(refused, ", "))
		}
	})
	b.WriteString("\n")
	return b.String()
}

func status(r rule) string {
	switch {
	case r.partly:
		return "works: " + r.note
	case r.note != "":
		return "kept: " + r.note
	case r.only != nil:
		return "only " + strings.Join(r.only, ", ")
	}
	return "works"
}

// operations gives the name of every operation of the ECS API, from the SDK's client.
func operations() []string {
	var out []string
	client := reflect.TypeFor[*awsecs.Client]()
	for i := range client.NumMethod() {
		if m := client.Method(i); m.Type.NumIn() == 4 && strings.HasSuffix(m.Type.In(2).String(), "."+m.Name+"Input") {
			out = append(out, m.Name)
		}
	}
	slices.Sort(out)
	return out
}
