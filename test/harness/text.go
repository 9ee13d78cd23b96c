package harness

import "encoding/json"

// Text shows an answer of the API to people.
func Text(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
