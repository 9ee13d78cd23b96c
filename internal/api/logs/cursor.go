package logs

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"sort"
)

// cursor is where FilterLogEvents goes on: the batch of streams that begins after a name, and how far each of them has been
// read. A stream that is not in it begins at its start.
type cursor struct {
	after  string
	places map[uint64]place // by key of the stream's name
}

// longestCursor is more than the longest token there is: a name and maxMerged places of at most 38 bytes.
const longestCursor = 16 << 10

func key(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

// batch gives the streams to merge now, and whether others follow.
func (c cursor) batch(streams []stream) (now []stream, more bool) {
	streams = streams[sort.Search(len(streams), func(i int) bool { return streams[i].name > c.after }):]
	if len(streams) > maxMerged {
		return streams[:maxMerged], true
	}
	return streams, false
}

// cursor gives where the merger stands.
func (m *merger) cursor(after string) cursor {
	c := cursor{after: after, places: make(map[uint64]place, len(m.sources))}
	for _, s := range m.sources {
		c.places[key(s.stream.name)] = s.place
	}
	return c
}

// text gives the opaque form.
func (c cursor) text() *string {
	b := binary.AppendUvarint(nil, uint64(len(c.after)))
	b = append(b, c.after...)
	keys := make([]uint64, 0, len(c.places))
	for k := range c.places {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	for _, k := range keys {
		p := c.places[k]
		b = binary.BigEndian.AppendUint64(b, k)
		b = binary.AppendUvarint(b, uint64(p.position))
		b = binary.AppendVarint(b, p.at)
		b = binary.AppendUvarint(b, p.same)
	}
	return new(base64.RawURLEncoding.EncodeToString(b))
}

// parseCursor reads a token back; without one everything is still to come.
func parseCursor(given *string) (cursor, error) {
	c := cursor{places: map[uint64]place{}}
	if given == nil {
		return c, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(*given)
	if err != nil || len(b) == 0 || len(b) > longestCursor || !c.read(b) {
		return cursor{}, invalid("The specified nextToken is invalid.")
	}
	return c, nil
}

func (c *cursor) read(b []byte) bool {
	n, width := binary.Uvarint(b)
	if width <= 0 || n > uint64(len(b)-width) {
		return false
	}
	c.after, b = string(b[width:width+int(n)]), b[width+int(n):]
	for len(b) > 0 {
		if len(b) < 8 {
			return false
		}
		k := binary.BigEndian.Uint64(b)
		b = b[8:]
		position, w := binary.Uvarint(b)
		if w <= 0 || position > 1<<63-1 {
			return false
		}
		b = b[w:]
		at, w := binary.Varint(b)
		if w <= 0 {
			return false
		}
		b = b[w:]
		same, w := binary.Uvarint(b)
		if w <= 0 {
			return false
		}
		b = b[w:]
		c.places[k] = place{int64(position), at, same}
	}
	return true
}
