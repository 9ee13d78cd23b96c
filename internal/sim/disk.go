package sim

import (
	"context"
	"errors"
	"time"

	"ballast/internal/control"
	"ballast/internal/control/journal"
	"ballast/internal/store"
	"ballast/internal/store/mem"
)

// disk is where control keeps its journal, and how likely a commit is to meet each kind of fault.
type disk struct {
	store  *mem.Store
	chance stream
	// blank means that nothing will ever be read from the disk, so that nothing is written to it. Commits take their time all the same.
	blank bool
	// passing: the commit fails, and any prefix of its units may be there; unknown: nobody says whether it happened; fenced:
	// another leader was there in between.
	passing, unknown, fenced float64
}

var errFull = errors.New("sim: no space left on device")

// commit is a batch on its way to the disk.
type commit struct {
	s       *server
	batch   *control.Batch
	units   []store.Unit
	of      []journal.Unit // the units before they were encoded
	durable int            // how many are on the disk for sure, or may be and are
	tries   int
}

func newCommit(s *server, batch *control.Batch) (*commit, error) {
	c := &commit{s: s, batch: batch}
	for _, unit := range batch.Units {
		for i := range unit {
			s.w.trace.changed(&unit[i])
		}
	}
	if s.disk.blank {
		c.blank()
		return c, nil
	}
	records := 0
	for _, unit := range batch.Units {
		encoded, err := journal.Encode([]journal.Unit{unit})
		if err != nil {
			return nil, err
		}
		for _, change := range unit {
			s.w.trace.bytes([]byte(change.Key.String()))
		}
		for _, u := range encoded {
			c.units, c.of = append(c.units, u), append(c.of, unit)
			records += len(u)
			for _, r := range u {
				s.w.trace.bytes(r.Value)
			}
		}
	}
	s.w.note("control  step %d: %d units, %d records, %d answers", batch.Seq, len(c.units), records, len(batch.Answers))
	return c, nil
}

// blank leaves out what a blank disk need not know.
func (c *commit) blank() {
	for _, unit := range c.batch.Units {
		durable := false
		for i := range unit {
			durable = durable || unit[i].Durable
		}
		if durable {
			c.of = append(c.of, unit)
		}
	}
	c.units = make([]store.Unit, len(c.of))
}

// begin has the commit happen, which takes a while. Without units there is nothing to wait for.
func (c *commit) begin() {
	if len(c.units) == 0 {
		c.s.committed(c.batch)
		return
	}
	c.s.later(c.s.disk.chance.between(0, 5*time.Millisecond), c.end)
}

func (c *commit) end() {
	s := c.s
	switch err := c.do(); {
	case err == nil:
		s.committed(c.batch)
	case errors.Is(err, store.ErrFenced), errors.Is(err, store.ErrUnknown):
		s.w.note("control  commit: %v", err)
		s.reload()
	case errors.Is(err, errFull):
		s.w.note("control  commit: %v", err)
		s.failing = true
		for _, a := range c.batch.Answers {
			s.answer(a, a.Err == nil)
		}
		c.tries++
		s.later(min(20*time.Millisecond<<min(c.tries, 10), 2*time.Second), c.end)
	default:
		s.w.fail("batches can be committed", "%v", err)
	}
}

// do commits once, with the luck of the moment.
func (c *commit) do() error {
	d := &c.s.disk
	passing, unknown, fenced := d.chance.chance(d.passing), d.chance.chance(d.unknown), d.chance.chance(d.fenced)
	units := d.chance.upTo(len(c.units))
	switch {
	case d.blank:
		c.reached(len(c.units))
		return nil
	case passing:
		d.store.FailNext(errFull, units)
		c.reached(units)
	case unknown:
		d.store.FailNext(store.ErrUnknown, units)
		c.reached(units)
	case fenced:
		if _, err := d.store.Join().Lead(context.Background()); err != nil {
			return err
		}
	default:
		defer c.reached(len(c.units))
	}
	return d.store.Commit(context.Background(), c.s.fence, c.units)
}

// crash ends a commit under way after any number of its units.
func (c *commit) crash() {
	d := &c.s.disk
	units := d.chance.upTo(len(c.units))
	if len(c.units) == 0 {
		return
	}
	d.store.FailNext(store.ErrUnknown, units)
	if err := d.store.Commit(context.Background(), c.s.fence, c.units); !errors.Is(err, store.ErrUnknown) {
		c.s.w.fail("batches can be committed", "%v", err)
	}
	c.reached(units)
}

// reached tells observers of the units that are on the disk now and were not before.
func (c *commit) reached(units int) {
	for ; c.durable < units; c.durable++ {
		for _, o := range c.s.w.observers {
			o.Durable(c.of[c.durable], c.units[c.durable])
		}
	}
}
