package wire

import (
	"encoding/binary"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"ballast/internal/ecs"
)

// maxDepth bounds how deep values may be nested, in JSON and in Query names. The deepest ECS input has 9 levels; open content
// and unknown members may be deeper, and the bound keeps a hostile body from exhausting the stack.
const maxDepth = 64

// scanner reads JSON (RFC 8259) from a byte slice. Its methods give an [ecs.Error] of SerializationException on anything that
// is not JSON.
type scanner struct {
	data  []byte
	pos   int
	depth int
	chars []byte // the last string that had escapes
}

func refuse(format string, args ...any) *ecs.Error {
	return ecs.Errorf(ecs.SerializationException, format, args...)
}

// malformed tells where the text stops being JSON.
func (s *scanner) malformed(what string) error {
	if s.pos >= len(s.data) {
		return refuse("Unexpected end of the request body: %s", what)
	}
	return refuse("Malformed JSON at byte %d of the request body: %s", s.pos, what)
}

// peek skips white space and gives the next byte, or 0 at the end of the text.
func (s *scanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// take consumes c if it is next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.pos >= len(s.data) {
		return false
	}
	s.pos++
	return true
}

// enter begins an object or a list.
func (s *scanner) enter() error {
	if s.depth++; s.depth > maxDepth {
		return refuse("The request body is nested deeper than %d levels", maxDepth)
	}
	s.pos++
	return nil
}

// more consumes what separates elements: it tells whether another one follows, or consumes end.
func (s *scanner) more(first bool, end byte) (bool, error) {
	if s.take(end) {
		s.depth--
		return false, nil
	}
	if !first {
		if !s.take(',') {
			return false, s.malformed("expected ',' or '" + string(end) + "'")
		}
		if c := s.peek(); c == end {
			return false, s.malformed("a comma with nothing after it")
		}
	}
	return true, nil
}

// key reads a member's name and the colon. The bytes hold until the next call.
func (s *scanner) key() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.malformed("expected a member's name")
	}
	k, err := s.str()
	if err != nil {
		return nil, err
	}
	if !s.take(':') {
		return nil, s.malformed("expected ':'")
	}
	return k, nil
}

// word consumes one of true, false and null.
func (s *scanner) word(w string) error {
	if len(s.data)-s.pos < len(w) || string(s.data[s.pos:s.pos+len(w)]) != w {
		return s.malformed("expected a value")
	}
	s.pos += len(w)
	return nil
}

// str reads a string; its opening quote is next. The bytes hold until the next call.
func (s *scanner) str() ([]byte, error) {
	start := s.pos + 1
	ascii := true
	i := start
	for i+8 <= len(s.data) && plain8(binary.LittleEndian.Uint64(s.data[i:])) {
		i += 8
	}
	for ; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.pos = i + 1
			if !ascii && !utf8.Valid(s.data[start:i]) {
				s.pos = start
				return nil, s.malformed("invalid UTF-8 in a string")
			}
			return s.data[start:i], nil
		case c == '\\':
			return s.escaped(start, i)
		case c < ' ':
			s.pos = i
			return nil, s.malformed("a control character in a string")
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.pos = len(s.data)
	return nil, s.malformed("a string without its closing quote")
}

// escaped reads on from the first backslash, at position i, of the string that begins at start.
func (s *scanner) escaped(start, i int) ([]byte, error) {
	out := append(s.chars[:0], s.data[start:i]...)
	for i < len(s.data) {
		c := s.data[i]
		switch {
		case c == '"':
			s.pos, s.chars = i+1, out
			if !utf8.Valid(out) {
				s.pos = start
				return nil, s.malformed("invalid UTF-8 in a string")
			}
			return out, nil
		case c < ' ':
			s.pos = i
			return nil, s.malformed("a control character in a string")
		case c != '\\':
			out = append(out, c)
			i++
		default:
			var ok bool
			if out, i, ok = s.escape(out, i); !ok {
				s.pos = i
				return nil, s.malformed("an unknown escape in a string")
			}
		}
	}
	s.pos = len(s.data)
	return nil, s.malformed("a string without its closing quote")
}

// escape appends the character of the escape at i and gives the position after it. Half of a surrogate pair becomes U+FFFD.
func (s *scanner) escape(out []byte, i int) ([]byte, int, bool) {
	if i+1 >= len(s.data) {
		return out, len(s.data), false
	}
	switch c := s.data[i+1]; c {
	case '"', '\\', '/':
		return append(out, c), i + 2, true
	case 'b':
		return append(out, '\b'), i + 2, true
	case 'f':
		return append(out, '\f'), i + 2, true
	case 'n':
		return append(out, '\n'), i + 2, true
	case 'r':
		return append(out, '\r'), i + 2, true
	case 't':
		return append(out, '\t'), i + 2, true
	}
	r, ok := s.unit(i)
	if !ok {
		return out, i, false
	}
	i += 6
	if utf16.IsSurrogate(r) {
		low, ok := s.unit(i)
		if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
			return utf8.AppendRune(out, pair), i + 6, true
		}
		r = utf8.RuneError
	}
	return utf8.AppendRune(out, r), i, true
}

// unit gives the UTF-16 unit of a \uXXXX escape at i.
func (s *scanner) unit(i int) (rune, bool) {
	if i+6 > len(s.data) || s.data[i] != '\\' || s.data[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s.data[i+2 : i+6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// number reads a number's text and tells whether it has neither fraction nor exponent.
func (s *scanner) number() (text []byte, whole bool, err error) {
	start := s.pos
	s.skip('-')
	if !s.skip('0') && s.digits() == 0 {
		return nil, false, s.malformed("expected a digit")
	}
	whole = true
	if s.skip('.') {
		whole = false
		if s.digits() == 0 {
			return nil, false, s.malformed("expected a digit")
		}
	}
	if s.skip('e') || s.skip('E') {
		whole = false
		if !s.skip('+') {
			s.skip('-')
		}
		if s.digits() == 0 {
			return nil, false, s.malformed("expected a digit")
		}
	}
	return s.data[start:s.pos], whole, nil
}

// skip consumes c if it is the very next byte.
func (s *scanner) skip(c byte) bool {
	if s.pos < len(s.data) && s.data[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *scanner) digits() (n int) {
	for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		s.pos++
		n++
	}
	return n
}

// ignore reads a value of any kind and drops it.
func (s *scanner) ignore() error {
	switch s.peek() {
	case '"':
		_, err := s.str()
		return err
	case '{', '[':
		return s.each(func([]byte) error { return s.ignore() })
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	_, _, err := s.number()
	return err
}

// each reads an object or a list, which is next, and calls member at the place of each value with its name (nil in a list).
func (s *scanner) each(member func(key []byte) error) error {
	object, end := s.peek() == '{', byte(']')
	if object {
		end = '}'
	}
	if err := s.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.more(first, end)
		if !more || err != nil {
			return err
		}
		var key []byte
		if object {
			if key, err = s.key(); err != nil {
				return err
			}
		}
		if err := member(key); err != nil {
			return err
		}
	}
}

// integer reads the number text as an integer. Numbers like 1e3 and 5.0 are integers too.
func integer(text []byte, whole bool, bits int) (int64, bool) {
	if whole {
		n, err := strconv.ParseInt(string(text), 10, bits)
		return n, err == nil
	}
	const exact = 1 << 53 // above it a float64 no longer tells neighbouring integers apart
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || f > exact || f < -exact || f != float64(int64(f)) {
		return 0, false
	}
	n := int64(f)
	return n, bits == 64 || n == n<<(64-bits)>>(64-bits)
}
