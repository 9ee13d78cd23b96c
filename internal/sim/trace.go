package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/fxamacker/cbor/v2"

	"ballast/internal/ecs"
)

// keptLines is how many of the last lines of a trace a failure shows.
const keptLines = 60

// trace is everything that happened, as a hash of its bytes; the last lines are kept in the clear.
type trace struct {
	hash  hash.Hash
	lines [keptLines][]byte
	count int
	to    io.Writer // gets every line too, nil = nobody
}

func newTrace(to io.Writer) *trace { return &trace{hash: sha256.New(), to: to} }

// line notes something for people to read.
func (t *trace) line(at ecs.Time, format string, args ...any) {
	slot := &t.lines[t.count%keptLines]
	t.count++
	*slot = fmt.Appendf((*slot)[:0], "%s ", at.Std().Format("15:04:05.000"))
	*slot = fmt.Appendf(*slot, format, args...)
	*slot = append(*slot, '\n')
	t.hash.Write(*slot)
	if t.to != nil {
		t.to.Write(*slot)
	}
}

// canonical encodes maps in the order of their keys, so that equal values give equal bytes.
var canonical = func() cbor.EncMode {
	mode, err := cbor.CanonicalEncOptions().EncMode()
	if err != nil {
		panic(err) // the library's own options
	}
	return mode
}()

// value notes a message or another plain value, for the hash only.
func (t *trace) value(v any) {
	bytes, err := canonical.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("sim: trace of %T: %v", v, err))
	}
	t.hash.Write(bytes)
}

// bytes notes bytes, for the hash only.
func (t *trace) bytes(b []byte) { t.hash.Write(b) }

// sum is the hash of everything so far.
func (t *trace) sum() string { return hex.EncodeToString(t.hash.Sum(nil)) }

// last gives the lines kept, oldest first.
func (t *trace) last() []string {
	var out []string
	for i := max(0, t.count-keptLines); i < t.count; i++ {
		out = append(out, string(t.lines[i%keptLines]))
	}
	return out
}
