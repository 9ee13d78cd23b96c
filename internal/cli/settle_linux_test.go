package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCleanMappings(t *testing.T) {
	const smaps = `00400000-00d4a000 r-xp 00000000 fe:00 9981056                            /usr/bin/ballast
Rss:                6056 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00d4a000-016b8000 r--p 0094a000 fe:00 9981056                            /usr/bin/ballast
Anonymous:             4 kB
016b8000-016d8000 rw-p 012b8000 fe:00 9981056                            /usr/bin/ballast
Anonymous:             0 kB
01800000-01801000 r--p 00000000 fe:00 9981057                            /usr/bin/ballast-of-others
Anonymous:             0 kB
01900000-01901000 r--p 00000000 fe:00 9981056                            /usr/bin/ballast
Anonymous:             0 kB
3dce28800000-3dce29400000 rw-p 00000000 00:00 0
Anonymous:          4140 kB
`
	want := []mapping{{0x400000, 0xd4a000}, {0x1900000, 0x1901000}}
	if diff := cmp.Diff(want, cleanMappings([]byte(smaps), "/usr/bin/ballast"), cmp.AllowUnexported(mapping{})); diff != "" {
		t.Errorf("mappings (-want +got):\n%s", diff)
	}
}

// The program must go on with its pages dropped.
func TestSettle(t *testing.T) {
	settle()
	if got := shortID("0123456789"); got != "01234567" {
		t.Errorf("got %q", got)
	}
}
