package cli

import (
	"bufio"
	"bytes"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// settle gives back what only the start needed: memory of the heap, and those pages of the program itself that were read once
// while its packages initialised themselves. They are most of what an idle server or keeper occupies; what is needed again
// comes back from the page cache. Where it cannot be done nothing is lost.
func settle() {
	debug.FreeOSMemory()
	exe, err := os.Executable()
	if err != nil {
		return
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, m := range cleanMappings(smaps, exe) {
		unix.Syscall(unix.SYS_MADVISE, m.begin, m.end-m.begin, unix.MADV_DONTNEED)
	}
}

// mapping is a range of addresses.
type mapping struct{ begin, end uintptr }

// cleanMappings finds the mappings of a file, in what /proc/self/smaps says, that cannot be written to and have nothing in them
// that is not in the file (proc(5): permissions, Anonymous). Only these can be dropped and read again.
func cleanMappings(smaps []byte, file string) []mapping {
	var found []mapping
	var last mapping
	ours := false
	lines := bufio.NewScanner(bytes.NewReader(smaps))
	for lines.Scan() {
		line := lines.Text()
		fields := strings.Fields(line)
		switch {
		case len(fields) >= 5 && !strings.HasSuffix(fields[0], ":"):
			// 00400000-00d4a000 r-xp 00000000 fe:00 9981056    /usr/bin/ballast
			ours = strings.HasSuffix(line, " "+file) && fields[1][1] == '-'
			last = rangeOf(fields[0])
		case ours && strings.Join(fields, " ") == "Anonymous: 0 kB" && last.end > last.begin:
			found = append(found, last)
		}
	}
	return found
}

func rangeOf(s string) mapping {
	from, to, _ := strings.Cut(s, "-")
	begin, err1 := strconv.ParseUint(from, 16, 64)
	end, err2 := strconv.ParseUint(to, 16, 64)
	if err1 != nil || err2 != nil {
		return mapping{}
	}
	return mapping{uintptr(begin), uintptr(end)}
}
