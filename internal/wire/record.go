package wire

import (
	"math/big"
	"time"

	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/document"
)

// recorder is a serializer that writes nothing and remembers which members it was told of at the outermost level. It is how
// the package learns names from the SDK.
type recorder struct {
	first   *smithy.Schema   // the very first schema seen
	members []*smithy.Schema // at depth 0
	touched []*smithy.Schema // of these, those with a value other than zero: the SDK always writes required numbers
	depth   int
}

var _ smithy.ShapeSerializer = (*recorder)(nil)

// written tells which members d writes, in order, and which of them are not zero.
func written(d describer) (members, touched []*smithy.Schema) {
	r := &recorder{}
	d.SerializeMembers(r)
	return r.members, r.touched
}

func (r *recorder) see(s *smithy.Schema, touched bool) {
	if r.first == nil {
		r.first = s
	}
	if r.depth != 0 {
		return
	}
	r.members = append(r.members, s)
	if touched {
		r.touched = append(r.touched, s)
	}
}

func (r *recorder) open(s *smithy.Schema) { r.see(s, true); r.depth++ }

func (r *recorder) Bytes() []byte                                    { return nil }
func (r *recorder) WriteInt8(s *smithy.Schema, v int8)               { r.see(s, v != 0) }
func (r *recorder) WriteInt16(s *smithy.Schema, v int16)             { r.see(s, v != 0) }
func (r *recorder) WriteInt32(s *smithy.Schema, v int32)             { r.see(s, v != 0) }
func (r *recorder) WriteInt64(s *smithy.Schema, v int64)             { r.see(s, v != 0) }
func (r *recorder) WriteFloat32(s *smithy.Schema, v float32)         { r.see(s, v != 0) }
func (r *recorder) WriteFloat64(s *smithy.Schema, v float64)         { r.see(s, v != 0) }
func (r *recorder) WriteBool(s *smithy.Schema, v bool)               { r.see(s, v) }
func (r *recorder) WriteString(s *smithy.Schema, v string)           { r.see(s, v != "") }
func (r *recorder) WriteBigInt(s *smithy.Schema, _ *big.Int)         { r.see(s, true) }
func (r *recorder) WriteBigFloat(s *smithy.Schema, _ *big.Float)     { r.see(s, true) }
func (r *recorder) WriteBlob(s *smithy.Schema, _ []byte)             { r.see(s, true) }
func (r *recorder) WriteTime(s *smithy.Schema, _ time.Time)          { r.see(s, true) }
func (r *recorder) WriteDocument(s *smithy.Schema, _ document.Value) { r.see(s, true) }
func (r *recorder) WriteNil(s *smithy.Schema)                        { r.see(s, true) }
func (r *recorder) WriteKey(*smithy.Schema, string)                  {}
func (r *recorder) WriteUnion(s, _ *smithy.Schema)                   { r.open(s) }
func (r *recorder) WriteStruct(s *smithy.Schema)                     { r.open(s) }
func (r *recorder) WriteList(s *smithy.Schema)                       { r.open(s) }
func (r *recorder) WriteMap(s *smithy.Schema)                        { r.open(s) }
func (r *recorder) CloseUnion()                                      { r.depth-- }
func (r *recorder) CloseStruct()                                     { r.depth-- }
func (r *recorder) CloseList()                                       { r.depth-- }
func (r *recorder) CloseMap()                                        { r.depth-- }
