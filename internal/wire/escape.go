package wire

import (
	"encoding/binary"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// plain marks the bytes that stand in a JSON string as they are.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// plain8 tells whether all eight bytes of w are plain. Per byte, b-n borrows into the high bit when b < n, and x-1 does when
// x, the difference to the byte looked for, is zero.
func plain8(w uint64) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	special := w | (w-ones*' ')&^w | (quote-ones)&^quote | (slash-ones)&^slash
	return special&highs == 0
}

// AppendString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD; U+2028 and U+2029 are escaped, since some
// JavaScript parsers still take them for line ends.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	i, start := 0, 0
	for i+8 <= len(s) && plain8(binary.LittleEndian.Uint64([]byte(s[i:i+8]))) {
		i += 8
	}
	for i < len(s) {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != '\u2028' && r != '\u2029' && (r != utf8.RuneError || n > 1) {
				i += n
				continue
			}
			size = n
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscape(dst, s[i:i+size])
		i += size
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// appendEscape appends the escape of one character that cannot stand as it is.
func appendEscape(dst []byte, char string) []byte {
	switch c := char[0]; {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c == '\n':
		return append(dst, '\\', 'n')
	case c == '\r':
		return append(dst, '\\', 'r')
	case c == '\t':
		return append(dst, '\\', 't')
	case c < utf8.RuneSelf:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	case len(char) == 3:
		return append(dst, '\\', 'u', '2', '0', '2', hexDigits[char[2]&15])
	}
	return append(dst, "\ufffd"...)
}
