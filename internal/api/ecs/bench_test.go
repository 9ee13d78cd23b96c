package ecs_test

import (
	"testing"

	"ballast/internal/wire"
)

// benchmark measures a call from the bytes of the request to those of the answer, without HTTP.
func benchmark(b *testing.B, newInput func() any, request string, handle func(any) (any, error)) {
	b.ReportAllocs()
	body := []byte(request)
	var buf []byte
	for b.Loop() {
		in := newInput()
		if err := wire.DecodeJSON(body, in); err != nil {
			b.Fatal(err)
		}
		out, err := handle(in)
		if err != nil {
			b.Fatal(err)
		}
		if buf, err = wire.AppendJSON(buf[:0], out); err != nil {
			b.Fatal(err)
		}
	}
}
