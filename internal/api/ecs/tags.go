package ecs

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ballast/internal/ecs"
)

// What tags may be (API_Tag and the restrictions that every operation with tags repeats).
const (
	maxTags     = ecs.MaxTags
	maxTagKey   = 128
	maxTagValue = 256
)

// tagsOf reads and checks tags; code is the error type of the operation.
func tagsOf(in []types.Tag, code ecs.Code) ([]ecs.Tag, error) {
	if len(in) == 0 {
		return nil, nil
	}
	if len(in) > maxTags {
		return nil, ecs.Errorf(code, "The number of tags can be at most %d.", maxTags)
	}
	out := make([]ecs.Tag, len(in))
	seen := make(map[string]bool, len(in))
	for i, t := range in {
		out[i] = ecs.Tag{Key: value(t.Key), Value: value(t.Value)}
		if err := checkTag(out[i], code); err != nil {
			return nil, err
		}
		if seen[out[i].Key] {
			return nil, ecs.Errorf(code, "Tag key %q is given more than once.", out[i].Key)
		}
		seen[out[i].Key] = true
	}
	return out, nil
}

func checkTag(t ecs.Tag, code ecs.Code) error {
	switch {
	case t.Key == "":
		return ecs.Errorf(code, "Tag keys can not be empty.")
	case utf8.RuneCountInString(t.Key) > maxTagKey:
		return ecs.Errorf(code, "Tag keys can have at most %d characters.", maxTagKey)
	case utf8.RuneCountInString(t.Value) > maxTagValue:
		return ecs.Errorf(code, "Tag values can have at most %d characters.", maxTagValue)
	case !tagText(t.Key) || !tagText(t.Value):
		return ecs.Errorf(code, "Tag %q contains invalid characters. Allowed are letters, spaces, numbers and + - = . _ : / @", t.Key)
	case len(t.Key) >= 4 && strings.EqualFold(t.Key[:4], "aws:"):
		return ecs.Errorf(code, "Tag keys can not begin with aws:, which is reserved.")
	}
	return nil
}

func tagText(s string) bool {
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.Z, r) && !strings.ContainsRune("+-=._:/@", r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// showTags gives the tags as the API has them; none make an empty list, not an absent one.
func showTags(tags []ecs.Tag) []types.Tag {
	out := make([]types.Tag, len(tags))
	for i := range tags {
		out[i] = types.Tag{Key: &tags[i].Key, Value: &tags[i].Value}
	}
	return out
}
