package cli

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ballast/internal/driver"
)

func TestChooseTask(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC) }
	runs := func(id, health string, minute int) task {
		return task{ID: id, LastStatus: "RUNNING", DesiredStatus: "RUNNING", Health: health, Since: at(minute)}
	}
	for _, c := range []struct {
		name   string
		all    []task
		want   string
		others int
	}{
		{"none", nil, "", 0},
		{"the newest", []task{runs("a", "UNKNOWN", 1), runs("b", "UNKNOWN", 2)}, "b", 1},
		{"a healthy one", []task{runs("a", "HEALTHY", 1), runs("b", "UNHEALTHY", 2)}, "a", 1},
		{"the newest healthy one", []task{runs("a", "HEALTHY", 1), runs("b", "HEALTHY", 2), runs("c", "UNKNOWN", 3)}, "b", 2},
		{"none that is going, none that is not there yet", []task{runs("a", "UNKNOWN", 1),
			{ID: "b", LastStatus: "PENDING", DesiredStatus: "RUNNING", Since: at(5)},
			{ID: "c", LastStatus: "RUNNING", DesiredStatus: "STOPPED", Since: at(6)}}, "a", 0},
	} {
		if got, others := chooseTask(c.all); got.ID != c.want || others != c.others {
			t.Errorf("%s: got %q and %d others, want %q and %d", c.name, got.ID, others, c.want, c.others)
		}
	}
}

func TestContainerToEnter(t *testing.T) {
	one := task{ID: "12345678", Containers: []container{{Name: "init", LastStatus: "STOPPED"}, {Name: "app", LastStatus: "RUNNING"}}}
	two := task{ID: "12345678", Containers: []container{{Name: "app", LastStatus: "RUNNING"}, {Name: "side", LastStatus: "RUNNING"}}}
	for _, c := range []struct {
		task        task
		given, want string
		err         string
	}{
		{one, "", "app", ""},
		{one, "init", "init", ""},
		{two, "side", "side", ""},
		{two, "", "", "name one with -c: app, side"},
		{two, "none", "", `no container "none"; it has app, side`},
		{task{ID: "12345678"}, "", "", "no container of task 12345678 is running"},
	} {
		got, err := containerToEnter(c.task, c.given)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: got %q, %v", c.given, got, err)
		}
	}
}

func TestExecWords(t *testing.T) {
	for _, c := range []struct{ line, want []string }{
		{[]string{"exec", "web"}, defaultCommand},
		{[]string{"exec", "web", "--"}, defaultCommand},
		{[]string{"exec", "web", "-o", "json", "--", "ls", "-o"}, []string{"ls", "-o"}},
		{[]string{"exec", "-c", "app", "web", "ls", "-l", "-c"}, []string{"ls", "-l", "-c"}},
		{[]string{"exec", "web", "-c", "app", "--", "ls", "--help", "--", "x"}, []string{"ls", "--help", "--", "x"}},
	} {
		s, _, talk, _ := terminalless(nil)
		k, err := parse(c.line, s)
		if err != nil {
			t.Errorf("%v: %v\n%s", c.line, err, talk)
			continue
		}
		v := k.Selected().Target.Addr().Interface().(*execVerb)
		if got := v.words(); !slices.Equal(got, c.want) || v.What != "web" {
			t.Errorf("%v: got %q of %q", c.line, got, v.What)
		}
	}
}

// TestExecInATerminal has a shell on a terminal whose size changes.
func TestExecInATerminal(t *testing.T) {
	endpoint := serverOf(t)
	if r := ballast(at(endpoint, "deploy", projectDir(t, "web", "hello", "1"))...); r.code != exitDone {
		t.Fatalf("deploy: %+v", r)
	}
	s, out, talk, _ := terminalless(nil)
	in, typed := io.Pipe()
	size, raw := driver.Size{Rows: 31, Columns: 91}, 0
	changes := make(chan os.Signal)
	s.In = in
	s.Console = &Console{
		Raw:     func() (func(), error) { raw++; return func() { raw-- }, nil },
		Size:    func() driver.Size { return size },
		Resized: func() (<-chan os.Signal, func()) { return changes, func() {} },
	}
	done := make(chan int, 1)
	go func() {
		done <- Main([]string{"exec", "web", "--endpoint-url", endpoint}, s)
		in.Close() // or what is typed waits for ever
	}()
	io.WriteString(typed, "stty size\n")
	eventually(t, "the terminal has its size", func() bool { return strings.Contains(out.String(), "31 91\r\n") })
	size = driver.Size{Rows: 32, Columns: 92}
	changes <- os.Interrupt // any: what it says is that something changed
	eventually(t, "the terminal has its new size", func() bool {
		io.WriteString(typed, "stty size\n")
		return strings.Contains(out.String(), "32 92\r\n")
	})
	io.WriteString(typed, "exit 6\n")
	if code := <-done; code != 6 || raw != 0 || talk.String() != "" {
		t.Errorf("code %d, raw %d, talk %q", code, raw, talk)
	}
}
