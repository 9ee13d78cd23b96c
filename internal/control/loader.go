package control

import (
	"context"
	"runtime"

	"ballast/internal/control/journal"
	"ballast/internal/store"
)

// loader reads the records of a store side by side, which is most of the work of a load, and gives them to the machine in the
// order of their keys.
type loader struct {
	batches chan *batchOfRecords // to be read
	ordered chan *batchOfRecords // the same, in the order of keys
	stop    chan struct{}        // closed when the machine takes no more
}

// recordsPerBatch spares the channels most of their work; batchesAhead bounds what waits for the machine.
const (
	recordsPerBatch = 512
	batchesAhead    = 64
)

// batchOfRecords is some records in the order of their keys.
type batchOfRecords struct {
	names  []string
	values [][]byte
	stored []journal.Stored
	err    error
	done   chan struct{} // closed when stored and err are set
}

// loadInto has the machine take every record of a store.
func loadInto(ctx context.Context, m *Machine, s store.Store) error {
	l := &loader{batches: make(chan *batchOfRecords, batchesAhead), ordered: make(chan *batchOfRecords, batchesAhead), stop: make(chan struct{})}
	for range runtime.GOMAXPROCS(0) {
		go l.parse()
	}
	fetched := make(chan error, 1)
	go func() { fetched <- l.fetch(ctx, s) }()
	err := l.apply(m)
	close(l.stop)
	if fault := <-fetched; err == nil {
		err = fault
	}
	return err
}

// errStopped ends the load of a store whose records are not wanted any more.
type errStopped struct{}

func (errStopped) Error() string { return "stopped" }

// fetch cuts what the store has into batches.
func (l *loader) fetch(ctx context.Context, s store.Store) error {
	defer close(l.ordered)
	defer close(l.batches)
	batch := &batchOfRecords{}
	send := func() error {
		batch.done = make(chan struct{})
		for _, to := range []chan *batchOfRecords{l.batches, l.ordered} {
			select {
			case to <- batch:
			case <-l.stop:
				return errStopped{}
			}
		}
		batch = &batchOfRecords{}
		return nil
	}
	err := s.Load(ctx, func(name string, value []byte) error {
		batch.names, batch.values = append(batch.names, name), append(batch.values, value)
		if len(batch.names) < recordsPerBatch {
			return nil
		}
		return send()
	})
	if err != nil {
		return err
	}
	return send()
}

// parse reads batches until there are no more.
func (l *loader) parse() {
	for batch := range l.batches {
		batch.stored = make([]journal.Stored, 0, len(batch.names))
		for i, name := range batch.names {
			stored, err := journal.Parse(name, batch.values[i])
			if err != nil {
				batch.err = err
				break
			}
			batch.stored = append(batch.stored, stored)
		}
		close(batch.done)
	}
}

// apply gives the records to the machine.
func (l *loader) apply(m *Machine) error {
	for batch := range l.ordered {
		<-batch.done
		for _, stored := range batch.stored {
			if err := m.load(stored); err != nil {
				return err
			}
		}
		if batch.err != nil {
			return batch.err
		}
	}
	return nil
}
