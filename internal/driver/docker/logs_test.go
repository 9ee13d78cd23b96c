package docker

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"

	"ballast/internal/driver"
	"ballast/internal/ecs"
)

func frameOf(stream byte, text string) string {
	head := [8]byte{0: stream}
	binary.BigEndian.PutUint32(head[4:], uint32(len(text)))
	return string(head[:]) + text
}

const second = "2026-01-01T00:00:00."

func TestParse(t *testing.T) {
	whole := frameOf(1, second+"000000001Z one\n")
	for _, c := range []struct {
		name, stream string
		want         []string // o or e, and the text
		fails        string
	}{
		{name: "nothing"},
		{name: "two streams", stream: whole + frameOf(2, second+"000000002Z \n"), want: []string{"oone", "e"}},
		{name: "a line in pieces", stream: frameOf(1, second+"5Z ab") + frameOf(2, second+"5Z x\n") + frameOf(1, second+"5Z cd\n"), want: []string{"ex", "oabcd"}},
		{name: "a piece too long", stream: frameOf(1, second+"5Z "+strings.Repeat("a", maxLine)) + frameOf(1, second+"5Z b\n"), want: []string{"o" + strings.Repeat("a", maxLine)}},
		{name: "cut short", stream: whole[:len(whole)-2], fails: "cut short"},
		{name: "no time", stream: frameOf(1, "hello\n"), fails: "not with a time"},
		{name: "another stream", stream: frameOf(3, "x"), fails: "stream 3"},
		{name: "too long", stream: "\x01\x00\x00\x00\xff\xff\xff\xff", fails: "4294967295 bytes"},
	} {
		lines, err := parse(bufio.NewReader(strings.NewReader(c.stream)), frame, nil)
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: error %v, want one with %q", c.name, err, c.fails)
			}
			continue
		}
		var got []string
		for _, l := range lines {
			got = append(got, map[bool]string{false: "o", true: "e"}[l.log.Stderr]+l.log.Text)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, %v", c.name, got, err)
		}
	}
}

// The log of a terminal has no frames, and lines end as terminals end them (Engine API, ContainerAttach, Stream format when using a TTY).
func TestParseTerminal(t *testing.T) {
	long := strings.Repeat("a", 16<<10)
	c := container.InspectResponse{Config: &container.Config{Tty: true}}
	lines, err := parse(bufio.NewReader(strings.NewReader(second+"1Z one\r\n"+second+"2Z \r\n"+second+"3Z "+long+second+"3Z "+long+second+"3Z b c\r\n")), framing(c), nil)
	var got []string
	for _, l := range lines {
		got = append(got, l.log.Text)
	}
	if want := []string{"one", "", long + long + "b c"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %.40q, %v", got, err)
	}
	tooLong := second + "1Z " + strings.Repeat("a", 3*maxFrame) + "\r\n" + second + "2Z next\r\n"
	lines, err = parse(bufio.NewReader(strings.NewReader(tooLong)), framing(c), nil)
	if err != nil || len(lines) != 2 || len(lines[0].log.Text) != maxLine || lines[1].log.Text != "next" {
		t.Errorf("a line too long: %d lines, %v", len(lines), err)
	}
	for _, text := range []string{"hello\r\n", second + "1Z cut"} {
		if _, err := parse(bufio.NewReader(strings.NewReader(text)), framing(c), nil); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestPage reads lines of which some share a nanosecond or are out of order, any number at a time: each comes once.
func TestPage(t *testing.T) {
	var all []line
	for i, nano := range []int64{5, 7, 7, 6, 7, 9, 9} {
		all = append(all, line{nano: positionEpoch + nano, log: driver.LogLine{Text: string(rune('a' + i))}})
	}
	for limit := 1; limit <= len(all)+1; limit++ {
		got, position := "", int64(0)
		for {
			from := slices.DeleteFunc(slices.Clone(all), func(l line) bool { return l.nano < position/perNano+positionEpoch })
			lines, next := page(from, position, driver.LogLimit{Lines: limit})
			if len(lines) == 0 {
				if next != position {
					t.Errorf("limit %d: the position moves from %d to %d without a line", limit, position, next)
				}
				break
			}
			for _, l := range lines {
				got += l.Text
			}
			position = next
		}
		if got != "adbcefg" {
			t.Errorf("limit %d: got %q", limit, got)
		}
	}
}

// TestWindow reads a log of long lines, of which some share a nanosecond and many are older than the one before, some bytes at a time:
// each comes once and in order, and little is read for it.
func TestWindow(t *testing.T) {
	const n, long = 500, 1000
	nanos := make([]int64, n)
	for i := range nanos {
		if nanos[i] = int64(i^31) + 100; i%50 < 6 {
			nanos[i] = int64(i/50*50) + 100
		}
	}
	text := func(nano int64) string { return fmt.Sprintf("%0*d", long, nano) }
	var want []string
	for _, nano := range slices.Sorted(slices.Values(nanos)) {
		want = append(want, text(nano))
	}
	for _, bytes := range []int{1, 3 * long, 20 * long} {
		var got []string
		for position := int64(0); ; {
			var stream strings.Builder
			for _, nano := range nanos {
				if nano >= position/perNano {
					stream.WriteString(frameOf(1, time.Unix(0, positionEpoch+nano).UTC().Format(time.RFC3339Nano)+" "+text(nano)+"\n"))
				}
			}
			w := window{limit: driver.LogLimit{Lines: 200, Bytes: bytes}}
			lines, err := parse(bufio.NewReader(strings.NewReader(stream.String())), frame, &w)
			if err != nil {
				t.Fatal(err)
			}
			if most := bytes/long + 1 + lookAhead + 2*perNano; len(lines) > most {
				t.Errorf("%d bytes at a time: %d lines are read, want at most %d", bytes, len(lines), most)
			}
			out, next := page(lines, position, w.bounded())
			if len(out) == 0 {
				break
			}
			if len(out) > bytes/long+1 {
				t.Errorf("%d bytes at a time: %d lines are given", bytes, len(out))
			}
			for _, l := range out {
				got = append(got, l.Text)
			}
			position = next
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d bytes at a time: got %d lines, want %d in order", bytes, len(got), len(want))
		}
	}
}

func TestPositionOf(t *testing.T) {
	at := ecs.Time(1_767_225_600_000) // 2026
	stamped := func(at ecs.Time) line { return line{nano: int64(at) * 1e6, log: driver.LogLine{At: at}} }
	lines := []line{stamped(at - 5000), stamped(at - 500), stamped(at), stamped(at + 1)}
	out, _ := page(lines, positionOf(at), driver.LogLimit{Lines: 10})
	if len(out) != 3 || out[0].At != at-500 {
		t.Errorf("got %v, want all but what is more than a second older", out)
	}
	for _, extreme := range []ecs.Time{math.MinInt64, 0, math.MaxInt64} {
		out, _ := page(lines, positionOf(extreme), driver.LogLimit{Lines: 10})
		if want := map[bool]int{true: 4, false: 0}[extreme <= 0]; len(out) != want {
			t.Errorf("%d: got %d lines, want %d", extreme, len(out), want)
		}
	}
}
