package httpd

import (
	"context"
	"fmt"
)

// Operation is one API operation.
type Operation struct {
	Service Service
	Name    string // as clients send it: RunTask
	Access  Access // what a principal needs: Admin where the operation changes state or reveals logs, else Read

	// New gives an empty input, a pointer to the SDK's type for it.
	New func() any
	// Handle does the work. It is given what New gave, filled from the request, and gives a pointer to the SDK's output. An
	// error that is an *ecs.Error is told to the client; any other is logged and told as ServerException.
	Handle func(ctx context.Context, in any) (any, error)
}

// Op makes an Operation of a typed function: I and O are the SDK's input and output types.
func Op[I, O any](service Service, name string, access Access, fn func(context.Context, *I) (*O, error)) Operation {
	return Operation{
		Service: service,
		Name:    name,
		Access:  access,
		New:     func() any { return new(I) },
		Handle: func(ctx context.Context, in any) (any, error) {
			out, err := fn(ctx, in.(*I))
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
}

type operationKey struct {
	service Service
	name    string
}

// index makes operations findable. Two operations of one name, or one without the parts it needs, are a mistake in the
// program, and it panics.
func index(operations []Operation) map[operationKey]Operation {
	m := make(map[operationKey]Operation, len(operations))
	for _, op := range operations {
		key := operationKey{op.Service, op.Name}
		if _, twice := m[key]; twice || op.New == nil || op.Handle == nil || op.Access < Read || op.Access > Admin {
			panic(fmt.Sprintf("httpd: operation %s:%s is given twice or is incomplete", op.Service, op.Name))
		}
		m[key] = op
	}
	return m
}
