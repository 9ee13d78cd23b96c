// Package ballast holds no code. Its test checks that the layout means what docs/architecture.md says.
package ballast

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layers from the bottom to the top. A package may import its own layer where listed in siblings, and any lower one.
var layers = [][]string{
	{"internal/ecs"},
	{"internal/agenda", "internal/arn", "internal/elb", "internal/event", "internal/expr", "internal/pattern"},
	{"internal/scheduler", "internal/scheduler/placement", "internal/scheduler/lifecycle", "internal/scheduler/policy", "internal/scheduler/explain",
		"internal/lb/health", "internal/lb/pick"},
	{"internal/store", "internal/driver", "internal/session", "internal/logfile", "internal/cgroup"},
	{"internal/attach"},
	{"internal/store/bolt", "internal/store/etcd", "internal/store/mem", "internal/store/storetest", "internal/agent/keeper", "internal/agent/environment", "internal/driver/fake",
		"internal/driver/process", "internal/driver/docker", "internal/driver/drivertest"},
	{"internal/control/journal", "internal/control/root", "internal/control/catalog", "internal/control/tasks",
		"internal/control/instances", "internal/control/services", "internal/control/sessions"},
	{"internal/control", "internal/agent", "internal/agent/metadata"},
	{"internal/sim"},
	{"internal/wire"},
	{"internal/httpd"},
	{"internal/api", "internal/api/ecs", "internal/api/sts", "internal/api/logs", "internal/api/exec", "internal/api/why"},
	{"internal/daemon", "internal/sample"},
	{"internal/cli/project"},
	{"internal/sim/scenario"},
	{"internal/sim/picture"},
	{"internal/cli"},
	{"cmd/ballast"},
}

// edges may know the types of an AWS SDK; everything else speaks internal/ecs.
var edges = []string{"internal/wire", "internal/api", "internal/httpd", "internal/cli", "cmd", "test"}

// pure packages are functions of values: no clock, no goroutine, no chance, no I/O, no order of a map.
var pure = []string{"internal/ecs", "internal/agenda", "internal/arn", "internal/elb", "internal/event", "internal/expr", "internal/pattern",
	"internal/scheduler", "internal/lb/health", "internal/lb/pick"}

// machines decide without clock, chance, goroutines and I/O too, but may hold maps and use libraries of data.
var machines = []string{"internal/control/journal", "internal/control/root", "internal/control/catalog",
	"internal/control/tasks", "internal/control/instances", "internal/control/services", "internal/control/sessions"}

// machineFiles decide, in packages that also hold a runner.
var machineFiles = map[string][]string{
	"internal/control": {"machine.go", "apply.go", "decide.go", "reports.go", "load.go", "expire.go", "timers.go", "command.go", "launch.go", "stuck.go", "protect.go", "explain.go", "targets.go"},
}

// pureImports is all of the standard library that the pure packages use.
var pureImports = []string{"bytes", "cmp", "encoding/binary", "encoding/hex", "errors", "fmt", "hash/fnv",
	"iter", "maps", "math", "math/bits", "regexp", "slices", "sort", "strconv", "strings", "time", "unicode", "unicode/utf8"}

// bannedNames say nothing about what a package is for.
var bannedNames = []string{"util", "utils", "common", "types", "manager", "managers", "helper", "helpers", "misc", "base"}

const maxFunctionLines = 70

type source struct {
	dir, name string
	file      *ast.File
	fset      *token.FileSet
}

func (s source) test() bool { return strings.HasSuffix(s.name, "_test.go") }

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && path != "." || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, source{filepath.ToSlash(filepath.Dir(path)), filepath.Base(path), file, fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func layerOf(dir string) int {
	return slices.IndexFunc(layers, func(layer []string) bool { return slices.Contains(layer, dir) })
}

func within(dir string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") })
}

func TestArrowsPointDown(t *testing.T) {
	for _, s := range sources(t) {
		if s.dir == "." || within(s.dir, []string{"test"}) {
			continue
		}
		from := layerOf(s.dir)
		if from < 0 {
			t.Errorf("%s: package is in no layer; give it its place in tidy_test.go", s.dir)
			continue
		}
		for _, spec := range s.file.Imports {
			target, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), "ballast/")
			if !ours || s.test() {
				continue
			}
			to := layerOf(target)
			family := strings.HasPrefix(target, s.dir+"/") || strings.HasPrefix(s.dir, target+"/")
			if to > from && !family || to == from && !family && !sameLayerAllowed(s.dir, target) {
				t.Errorf("%s/%s imports %s: arrows point down only", s.dir, s.name, target)
			}
		}
	}
}

// sameLayerAllowed lists the imports between siblings, each for a reason.
func sameLayerAllowed(from, to string) bool {
	switch {
	case strings.HasPrefix(from, "internal/scheduler"): // policy, lifecycle and placement are leaves of one core
		return true
	case to == "internal/control/journal": // every book writes to the journal
		return true
	case from == "internal/driver/process" && to == "internal/agent/keeper": // the driver speaks to its keeper
		return true
	}
	return false
}

func TestSDKTypesStayAtTheEdges(t *testing.T) {
	for _, s := range sources(t) {
		for _, spec := range s.file.Imports {
			if strings.Contains(spec.Path.Value, "aws-sdk-go-v2") && !within(s.dir, edges) && !s.test() {
				t.Errorf("%s/%s imports %s: SDK types live in %v", s.dir, s.name, spec.Path.Value, edges)
			}
		}
	}
}

func TestCoreIsPure(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		isPure := within(s.dir, pure)
		if !isPure && !within(s.dir, machines) && !slices.Contains(machineFiles[s.dir], s.name) {
			continue
		}
		for _, spec := range s.file.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			if isPure && !strings.HasPrefix(path, "ballast/") && !slices.Contains(pureImports, path) {
				t.Errorf("%s/%s imports %s: the pure core uses the standard library's functions of values only", s.dir, s.name, path)
			}
			if slices.Contains([]string{"os", "net", "net/http", "io", "log", "log/slog", "sync", "context", "math/rand", "crypto/rand"}, path) {
				t.Errorf("%s/%s imports %s: machines decide, runners act", s.dir, s.name, path)
			}
		}
		ast.Inspect(s.file, func(node ast.Node) bool {
			if what := impure(node); what != "" {
				t.Errorf("%s: %s in code that must be a function of values", s.fset.Position(node.Pos()), what)
			}
			return true
		})
	}
}

func impure(node ast.Node) string {
	switch n := node.(type) {
	case *ast.GoStmt:
		return "goroutine"
	case *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
		return "channel"
	case *ast.SelectorExpr:
		pkg, ok := n.X.(*ast.Ident)
		if ok && pkg.Name == "time" && pkg.Obj == nil &&
			slices.Contains([]string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Sleep", "Tick"}, n.Sel.Name) {
			return "time." + n.Sel.Name
		}
	}
	return ""
}

func TestFunctionsAreShort(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			lines := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1
			if lines > maxFunctionLines && !isTable(f) {
				t.Errorf("%s: %s has %d lines, more than %d", s.fset.Position(f.Pos()), f.Name.Name, lines, maxFunctionLines)
			}
		}
	}
}

// isTable says whether the lines of a function are mostly those of one literal.
func isTable(f *ast.FuncDecl) bool {
	lines, literal := 0, 0
	ast.Inspect(f, func(node ast.Node) bool {
		if l, ok := node.(*ast.CompositeLit); ok {
			literal = max(literal, int(l.End()-l.Pos()))
		}
		return true
	})
	lines = int(f.End() - f.Pos())
	return literal*2 > lines
}

func TestPackagesAreDocumentedAndNamed(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		documented[s.dir] = documented[s.dir] || s.file.Doc != nil && len(s.file.Doc.Text()) > 80
		if slices.Contains(bannedNames, s.file.Name.Name) {
			t.Errorf("%s: a package named %q says nothing about what it is for", s.dir, s.file.Name.Name)
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no package comment that says what it is, what it never does and where to start reading", dir)
		}
	}
}
