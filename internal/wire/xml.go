package wire

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendXML appends out, a pointer to one of the SDK's output types, to dst as the AWS Query protocol answers operation:
//
//	<OpResponse xmlns="namespace"><OpResult>...</OpResult><ResponseMetadata><RequestId>...</RequestId></ResponseMetadata></OpResponse>
//
// Absent members are left out, list elements are named member, times are RFC 3339 in UTC with milliseconds. Maps and unions,
// which no served operation answers with, are refused with an error that names the member.
func AppendXML(dst []byte, namespace, operation, requestID string, out any) ([]byte, error) {
	v := reflect.ValueOf(out)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return dst, fmt.Errorf("encode %T as XML: want a pointer to a struct", out)
	}
	x := xmlWriter{buf: dst}
	x.openNamespaced(operation+"Response", namespace)
	x.open(operation + "Result")
	if err := x.structure(shapeOf(v.Type().Elem()), v.Elem()); err != nil {
		return dst, fmt.Errorf("encode %T as XML: %w", out, err)
	}
	x.close(operation + "Result")
	x.open("ResponseMetadata")
	x.leaf("RequestId", requestID)
	x.close("ResponseMetadata")
	x.close(operation + "Response")
	return x.buf, nil
}

type xmlWriter struct{ buf []byte }

func (x *xmlWriter) open(name string) {
	x.buf = append(x.buf, '<')
	x.buf = append(x.buf, name...)
	x.buf = append(x.buf, '>')
}

func (x *xmlWriter) openNamespaced(name, namespace string) {
	x.buf = append(x.buf, '<')
	x.buf = append(x.buf, name...)
	x.buf = append(x.buf, ` xmlns="`...)
	x.text(namespace)
	x.buf = append(x.buf, '"', '>')
}

func (x *xmlWriter) close(name string) {
	x.buf = append(x.buf, '<', '/')
	x.buf = append(x.buf, name...)
	x.buf = append(x.buf, '>')
}

func (x *xmlWriter) leaf(name, text string) {
	x.open(name)
	x.text(text)
	x.close(name)
}

// text appends character data. Characters that XML 1.0 has no way to write, and bytes that are not UTF-8, become U+FFFD.
func (x *xmlWriter) text(s string) {
	for _, r := range s {
		switch {
		case r == '&':
			x.buf = append(x.buf, "&amp;"...)
		case r == '<':
			x.buf = append(x.buf, "&lt;"...)
		case r == '>':
			x.buf = append(x.buf, "&gt;"...)
		case r == '"':
			x.buf = append(x.buf, "&#34;"...)
		case r == '\t' || r == '\n' || r == '\r':
			x.buf = append(x.buf, "&#x"...)
			x.buf = strconv.AppendInt(x.buf, int64(r), 16)
			x.buf = append(x.buf, ';')
		case r < ' ' || r == 0xfffe || r == 0xffff:
			x.buf = utf8.AppendRune(x.buf, utf8.RuneError)
		default:
			x.buf = utf8.AppendRune(x.buf, r)
		}
	}
}

func (x *xmlWriter) structure(s *shape, v reflect.Value) error {
	for _, f := range s.fields {
		target := v.Field(f.index)
		if absent(target) {
			continue
		}
		if f.ptr {
			target = target.Elem()
		}
		if err := x.value(f.name, f.shape, target); err != nil {
			return err
		}
	}
	return nil
}

func (x *xmlWriter) value(name string, s *shape, v reflect.Value) error {
	switch s.kind {
	case kindString:
		x.leaf(name, v.String())
	case kindBool:
		x.leaf(name, strconv.FormatBool(v.Bool()))
	case kindInt:
		x.leaf(name, strconv.FormatInt(v.Int(), 10))
	case kindFloat:
		x.leaf(name, strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits()))
	case kindTime:
		x.leaf(name, v.Interface().(time.Time).UTC().Format("2006-01-02T15:04:05.000Z"))
	case kindBlob:
		x.leaf(name, base64.StdEncoding.EncodeToString(v.Bytes()))
	case kindList:
		x.open(name)
		for i := range v.Len() {
			if err := x.value("member", s.elem, v.Index(i)); err != nil {
				return err
			}
		}
		x.close(name)
	case kindStruct:
		x.open(name)
		if err := x.structure(s, v); err != nil {
			return err
		}
		x.close(name)
	default:
		return fmt.Errorf("member %s: no way to write a %s", name, s.typ)
	}
	return nil
}
