package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/fxamacker/cbor/v2"

	"ballast/internal/control/journal"
	"ballast/internal/ecs"
)

// keptLines is how many of the last lines of a trace a failure shows.
const keptLines = 60

// trace is everything that happened, as a hash of its bytes; the last lines are kept in the clear. Beside it stands a brief hash, of
// when something happened and which records changed only. It too differs as soon as anything does, and costs a hundredth.
type trace struct {
	hash  hash.Hash
	lines [keptLines][]byte
	count int
	to    io.Writer // gets every line too, nil = nobody

	brief     hash.Hash
	few       []byte // not in brief yet
	onlyBrief bool
}

// fewBytes is how much goes into the brief hash at once.
const fewBytes = 1 << 12

func newTrace(to io.Writer) *trace { return &trace{hash: sha256.New(), brief: sha256.New(), to: to} }

// line notes something for people to read.
func (t *trace) line(at ecs.Time, format string, args ...any) {
	if t.onlyBrief {
		return
	}
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
	if t.onlyBrief {
		return
	}
	bytes, err := canonical.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("sim: trace of %T: %v", v, err))
	}
	t.hash.Write(bytes)
}

// bytes notes bytes, for the hash only.
func (t *trace) bytes(b []byte) { t.hash.Write(b) }

// number notes a number in the brief hash.
func (t *trace) number(n uint64) {
	t.few = binary.LittleEndian.AppendUint64(t.few, n)
	if len(t.few) >= fewBytes {
		t.brief.Write(t.few)
		t.few = t.few[:0]
	}
}

// changed notes in the brief hash which record changed.
func (t *trace) changed(c *journal.Change) {
	t.number(uint64(c.Key.Kind)<<56 ^ c.Key.Seq<<20 ^ c.Key.Event)
	if task, ok := c.Record.(*ecs.Task); ok {
		t.number(binary.LittleEndian.Uint64(task.ID[:]) ^ uint64(task.Version))
	}
}

// sum is the hash of everything so far.
func (t *trace) sum() string { return hex.EncodeToString(t.hash.Sum(nil)) }

// briefSum is the brief hash so far.
func (t *trace) briefSum() string {
	t.brief.Write(t.few)
	t.few = t.few[:0]
	return hex.EncodeToString(t.brief.Sum(nil))
}

// last gives the lines kept, oldest first.
func (t *trace) last() []string {
	var out []string
	for i := max(0, t.count-keptLines); i < t.count; i++ {
		out = append(out, string(t.lines[i%keptLines]))
	}
	return out
}
