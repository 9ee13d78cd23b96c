package keeper

import (
	"os"
	"testing"
)

func TestParseStat(t *testing.T) {
	rest := " 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1000 200"
	for _, c := range []struct {
		text string
		want process
		ok   bool
	}{
		{"7 (sh) S" + rest, process{pid: 7, ppid: 1, pgid: 2, sid: 3, start: 4242, user: 12, system: 14, rss: 200}, true},
		{"7 (a) Z (b) 9) Z" + rest, process{pid: 7, ppid: 1, pgid: 2, sid: 3, start: 4242, zombie: true, user: 12, system: 14, rss: 200}, true},
		{"7 () R" + rest, process{pid: 7, ppid: 1, pgid: 2, sid: 3, start: 4242, user: 12, system: 14, rss: 200}, true},
		{"", process{}, false},
		{"7 (sh) S 1 2", process{}, false},
		{"x (sh) S" + rest, process{}, false},
		{")(", process{}, false},
	} {
		got, ok := parseStat([]byte(c.text))
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%q: got %+v, %t, want %+v, %t", c.text, got, ok, c.want, c.ok)
		}
	}
	if self, ok := readStat(os.Getpid()); !ok || self.ppid != os.Getppid() || self.start == 0 || self.zombie {
		t.Errorf("this process: %+v, %t", self, ok)
	}
}

// FuzzParseStat: a process may call itself whatever it likes.
func FuzzParseStat(f *testing.F) {
	f.Add("sh")
	f.Add(") S 9 9 9 (")
	f.Add("\n\x00(((")
	f.Fuzz(func(t *testing.T, name string) {
		text := "7 (" + name + ") S 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1000 200"
		want := process{pid: 7, ppid: 1, pgid: 2, sid: 3, start: 4242, user: 12, system: 14, rss: 200}
		if got, ok := parseStat([]byte(text)); !ok || got != want {
			t.Errorf("%q: got %+v, %t, want %+v", text, got, ok, want)
		}
	})
}
