package wire

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/document"
)

// AppendJSON appends v, a pointer to an input, output or other described type of the SDK, to dst as AWS JSON and gives the
// extended slice. Members that are nil are left out; empty lists and maps are written as given; numbers and booleans that
// are not pointers are written even when zero, as ECS does (a service with nothing running says "runningCount": 0, although
// the SDK's own serializer would leave it out). Map keys are sorted, so equal values give equal bytes.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	d, ok := v.(smithy.Serializable)
	if !ok {
		return dst, fmt.Errorf("encode %T as AWS JSON: the type does not describe itself", v)
	}
	if r := reflect.ValueOf(v); r.Kind() != reflect.Pointer || r.IsNil() {
		return dst, fmt.Errorf("encode %T as AWS JSON: want a pointer that is not nil", v)
	}
	shapeOf(reflect.TypeOf(v).Elem())
	e := encoders.Get().(*encoder)
	e.reset(dst)
	d.Serialize(e)
	out, err := e.buf, e.err
	e.buf = nil
	encoders.Put(e)
	if err != nil {
		return dst, fmt.Errorf("encode %T as AWS JSON: %w", v, err)
	}
	return out, nil
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

// encoder is the SDK's serializer interface over a byte slice.
type encoder struct {
	buf     []byte
	frames  []frame
	entries []entry // of all open maps, innermost last
	scratch []byte
	scalars map[*smithy.Schema][]scalar
	keyed   bool // the key of the next value is already written
	err     error
}

// frame is one open object or list.
type frame struct {
	list    bool
	comma   bool
	scalars []scalar // of a struct: those not yet passed
	entries int      // of a map: where its entries begin
}

// entry is one member of an open map: its key and where it begins in buf.
type entry struct {
	key   string
	start int
	text  []byte
}

func (e *encoder) reset(dst []byte) {
	e.buf, e.err, e.keyed = dst, nil, false
	e.frames = append(e.frames[:0], frame{list: true})
	e.entries = e.entries[:0]
	e.scalars = *scalarsBySchema.Load()
}

func (e *encoder) top() *frame { return &e.frames[len(e.frames)-1] }

// begin writes what stands before a value: a comma, and inside a struct the member's name.
func (e *encoder) begin(s *smithy.Schema) {
	if e.keyed {
		e.keyed = false
		return
	}
	f, buf := e.top(), e.buf
	if f.comma {
		buf = append(buf, ',')
	}
	f.comma = true
	if !f.list {
		buf = appendName(buf, s.MemberName())
	}
	e.buf = buf
}

// appendName appends a member's name; names in schemas are plain ASCII words.
func appendName(dst []byte, name string) []byte {
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

func (e *encoder) open(s *smithy.Schema, c byte, f frame) {
	e.begin(s)
	e.buf = append(e.buf, c)
	e.frames = append(e.frames, f)
}

func (e *encoder) close(c byte) {
	e.buf = append(e.buf, c)
	e.frames = e.frames[:len(e.frames)-1]
}

// Bytes gives what was written so far.
func (e *encoder) Bytes() []byte { return e.buf }

// WriteStruct opens a structure.
func (e *encoder) WriteStruct(s *smithy.Schema) { e.open(s, '{', frame{scalars: e.scalars[s]}) }

// CloseStruct writes the zero members still owed and closes the structure.
func (e *encoder) CloseStruct() {
	for _, sc := range e.top().scalars {
		e.zero(sc)
	}
	e.close('}')
}

// WriteUnion opens a union with its one member's name.
func (e *encoder) WriteUnion(s, member *smithy.Schema) {
	e.open(s, '{', frame{})
	e.buf = appendName(e.buf, member.MemberName())
	e.keyed = true
}

// CloseUnion closes a union.
func (e *encoder) CloseUnion() { e.close('}') }

// WriteList opens a list.
func (e *encoder) WriteList(s *smithy.Schema) { e.open(s, '[', frame{list: true}) }

// CloseList closes a list.
func (e *encoder) CloseList() { e.close(']') }

// WriteMap opens a map.
func (e *encoder) WriteMap(s *smithy.Schema) { e.open(s, '{', frame{entries: len(e.entries)}) }

// WriteKey begins a map's entry.
func (e *encoder) WriteKey(_ *smithy.Schema, key string) {
	f := e.top()
	if f.comma {
		e.buf = append(e.buf, ',')
	}
	f.comma = true
	e.entries = append(e.entries, entry{key: key, start: len(e.buf)})
	e.buf = AppendString(e.buf, key)
	e.buf = append(e.buf, ':')
	e.keyed = true
}

// CloseMap puts the entries in the order of their keys, since the SDK writes them in Go's random order, and closes the map.
func (e *encoder) CloseMap() {
	first := e.top().entries
	entries := e.entries[first:]
	byKey := func(a, b entry) int { return cmp.Compare(a.key, b.key) }
	if !slices.IsSortedFunc(entries, byKey) {
		base := entries[0].start
		e.scratch = append(e.scratch[:0], e.buf[base:]...)
		for i := range entries {
			end := len(e.buf)
			if i+1 < len(entries) {
				end = entries[i+1].start - 1 // without the comma
			}
			entries[i].text = e.scratch[entries[i].start-base : end-base]
		}
		slices.SortFunc(entries, byKey)
		e.buf = e.buf[:base]
		for i, en := range entries {
			if i > 0 {
				e.buf = append(e.buf, ',')
			}
			e.buf = append(e.buf, en.text...)
		}
	}
	clear(entries)
	e.entries = e.entries[:first]
	e.close('}')
}

// WriteString writes a string or an enum.
func (e *encoder) WriteString(s *smithy.Schema, v string) {
	e.begin(s)
	e.buf = AppendString(e.buf, v)
}

// WriteBool writes a boolean.
func (e *encoder) WriteBool(s *smithy.Schema, v bool) {
	e.pass(s)
	e.begin(s)
	e.buf = strconv.AppendBool(e.buf, v)
}

// WriteInt8 writes an integer.
func (e *encoder) WriteInt8(s *smithy.Schema, v int8) { e.WriteInt64(s, int64(v)) }

// WriteInt16 writes an integer.
func (e *encoder) WriteInt16(s *smithy.Schema, v int16) { e.WriteInt64(s, int64(v)) }

// WriteInt32 writes an integer.
func (e *encoder) WriteInt32(s *smithy.Schema, v int32) { e.WriteInt64(s, int64(v)) }

// WriteInt64 writes an integer.
func (e *encoder) WriteInt64(s *smithy.Schema, v int64) {
	e.pass(s)
	e.begin(s)
	e.buf = strconv.AppendInt(e.buf, v, 10)
}

// WriteFloat32 writes a number.
func (e *encoder) WriteFloat32(s *smithy.Schema, v float32) { e.float(s, float64(v), 32) }

// WriteFloat64 writes a number.
func (e *encoder) WriteFloat64(s *smithy.Schema, v float64) { e.float(s, v, 64) }

// float writes whole numbers with one decimal, 100.0, as ECS does, and what JSON has no number for as Smithy's strings.
func (e *encoder) float(s *smithy.Schema, v float64, bits int) {
	e.pass(s)
	e.begin(s)
	switch {
	case math.IsNaN(v):
		e.buf = append(e.buf, `"NaN"`...)
	case math.IsInf(v, 1):
		e.buf = append(e.buf, `"Infinity"`...)
	case math.IsInf(v, -1):
		e.buf = append(e.buf, `"-Infinity"`...)
	case math.Abs(v) < 1e15 && v == math.Trunc(v):
		e.buf = strconv.AppendFloat(e.buf, v, 'f', 1, bits)
	default:
		e.buf = strconv.AppendFloat(e.buf, v, 'g', -1, bits)
	}
}

// WriteBlob writes bytes as base64.
func (e *encoder) WriteBlob(s *smithy.Schema, v []byte) {
	e.begin(s)
	e.buf = append(e.buf, '"')
	e.buf = base64.StdEncoding.AppendEncode(e.buf, v)
	e.buf = append(e.buf, '"')
}

// WriteTime writes seconds since 1970, with a fraction of up to three digits where there is one.
func (e *encoder) WriteTime(s *smithy.Schema, v time.Time) {
	e.begin(s)
	e.buf = appendEpoch(e.buf, v)
}

// WriteDocument writes open content.
func (e *encoder) WriteDocument(s *smithy.Schema, v document.Value) {
	e.begin(s)
	content := any(v)
	if o, ok := v.(*document.Opaque); ok {
		content = o.Value
	}
	m, ok := content.(document.Marshaler)
	if !ok {
		e.err = fmt.Errorf("member %s: open content of type %T", s.MemberName(), content)
		return
	}
	text, err := m.MarshalSmithyDocument()
	if err != nil {
		e.err = fmt.Errorf("member %s: %w", s.MemberName(), err)
		return
	}
	e.buf = append(e.buf, text...)
}

// WriteNil writes null.
func (e *encoder) WriteNil(s *smithy.Schema) {
	e.begin(s)
	e.buf = append(e.buf, "null"...)
}

// WriteBigInt writes an integer of any size.
func (e *encoder) WriteBigInt(s *smithy.Schema, v *big.Int) {
	e.begin(s)
	e.buf = v.Append(e.buf, 10)
}

// WriteBigFloat writes a number of any size.
func (e *encoder) WriteBigFloat(s *smithy.Schema, v *big.Float) {
	e.begin(s)
	e.buf = v.Append(e.buf, 'g', -1)
}

// appendEpoch appends t as seconds since 1970, rounded down to milliseconds, without trailing zeros.
func appendEpoch(dst []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		dst, ms = append(dst, '-'), -ms
	}
	dst = strconv.AppendInt(dst, ms/1000, 10)
	frac := ms % 1000
	if frac == 0 {
		return dst
	}
	dst = append(dst, '.', byte('0'+frac/100), byte('0'+frac/10%10), byte('0'+frac%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}
