package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// screen is a terminal with a few lines at its end that change; what is written otherwise goes above them. On anything that
// is not a terminal there are no such lines.
type screen struct {
	out   io.Writer
	live  bool
	width func() int

	mu    sync.Mutex
	lines []string // shown at the end
}

// Write puts whole lines above the changing ones.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.wipe() + string(p)
	if !strings.HasSuffix(text, "\n") && len(s.lines) > 0 {
		text += "\n"
	}
	_, err := io.WriteString(s.out, text+s.draw())
	return len(p), err
}

// show replaces the changing lines; nothing takes them away.
func (s *screen) show(lines []string) {
	if !s.live {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	wipe := s.wipe()
	s.lines = lines
	io.WriteString(s.out, wipe+s.draw())
}

// wipe gives what takes the changing lines off the terminal.
func (s *screen) wipe() string {
	if len(s.lines) == 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA\x1b[J", len(s.lines))
}

// draw cuts the lines to the terminal's width, since one that wraps cannot be taken off again.
func (s *screen) draw() string {
	if len(s.lines) == 0 {
		return ""
	}
	width := s.width() - 1
	var b strings.Builder
	for _, l := range s.lines {
		b.WriteString(cut(l, width) + "\n")
	}
	return b.String()
}

func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:max(0, width)])
}
