package logs

import "strings"

// pattern is a filter pattern for unstructured lines (CloudWatch Logs user guide, Filter pattern syntax): words that must all
// be in the line, words of which one must be (?word), words that must not be (-word). Case counts.
type pattern struct{ all, any, none []string }

// maxPattern is the longest pattern (API_FilterLogEvents).
const maxPattern = 1024

// parsePattern reads a pattern. JSON, space-delimited and regular expression patterns are refused by name.
func parsePattern(s string) (pattern, error) {
	var p pattern
	s = strings.TrimSpace(s)
	switch {
	case len(s) > maxPattern:
		return p, invalid("filterPattern can have at most %d characters.", maxPattern)
	case strings.HasPrefix(s, "{"), strings.HasPrefix(s, "["), strings.HasPrefix(s, "%"):
		return p, invalid("filterPattern: JSON, space-delimited and regular expression patterns are not supported by this version " +
			"of Ballast yet; use words. See docs/compatibility.md.")
	}
	for s != "" {
		into := &p.all
		switch s[0] {
		case '?':
			into, s = &p.any, s[1:]
		case '-':
			into, s = &p.none, s[1:]
		}
		word, rest, ok := term(s)
		if !ok {
			return p, invalid("Invalid filter pattern")
		}
		*into = append(*into, word)
		s = strings.TrimLeft(rest, " ")
	}
	return p, nil
}

// term takes one word, or a phrase in quotation marks, off the front.
func term(s string) (word, rest string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		word, rest, ok = strings.Cut(s[1:], `"`)
		return word, rest, ok && (rest == "" || rest[0] == ' ')
	}
	word, rest, _ = strings.Cut(s, " ")
	return word, rest, word != "" && !strings.Contains(word, `"`)
}

func (p pattern) matches(line string) bool {
	for _, w := range p.none {
		if strings.Contains(line, w) {
			return false
		}
	}
	for _, w := range p.all {
		if !strings.Contains(line, w) {
			return false
		}
	}
	for _, w := range p.any {
		if strings.Contains(line, w) {
			return true
		}
	}
	return len(p.any) == 0
}
