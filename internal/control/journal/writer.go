// Package journal turns changed objects into what the store commits: it names their records, collects changes of a step into
// units and encodes them. It decides nothing and does no I/O. Start reading at Writer.
package journal

// Change is an object's new value. A nil Record removes it. Only durable changes are committed; the others are counts and the
// like, derived from committed records, which readers see all the same.
type Change struct {
	Key     Key
	Record  any
	Durable bool
}

// Unit is what is committed together.
type Unit []Change

// followUpRecords bounds a unit of follow-up work. Its records are valid one by one, so the bound is free; it keeps a unit of
// the largest possible task records below store.MaxUnitBytes.
const followUpRecords = 40

// keptPositions bounds the map that a Writer keeps from one step to the next: clearing takes as long as it has ever been large.
const keptPositions = 64

// usualUnit is room for what most steps change: a task, its service, container instance and cluster.
const usualUnit = 4

// fullUnit bounds a unit to which records are added beside others, below store.MaxUnitRecords.
const fullUnit = 90

// Writer collects the changes of one step. A record is written once: a later change of it replaces the value where the first
// one stands.
type Writer struct {
	units  []Unit
	at     map[Key]position
	later  []Key // to be deleted in follow-up work
	atomic bool
}

type position struct{ unit, change int }

// Begin opens the unit of a command: all changes until the next Begin or FollowUp are committed together.
func (w *Writer) Begin() { w.open(true) }

// FollowUp opens a unit of follow-up work, which may be cut anywhere.
func (w *Writer) FollowUp() { w.open(false) }

func (w *Writer) open(atomic bool) {
	w.atomic = atomic
	if n := len(w.units); n == 0 || len(w.units[n-1]) > 0 {
		w.units = append(w.units, nil)
	}
}

// Put records a durable change.
func (w *Writer) Put(key Key, record any) { w.add(Change{Key: key, Record: record, Durable: true}) }

// PutBeside records a durable change in the unit of another one, so that neither is committed without the other. Where that unit is
// full it is put as ever.
func (w *Writer) PutBeside(beside, key Key, record any) {
	w.addBeside(beside, Change{Key: key, Record: record, Durable: true})
}

// DeleteBeside removes a record in the unit of another change.
func (w *Writer) DeleteBeside(beside, key Key) { w.addBeside(beside, Change{Key: key, Durable: true}) }

func (w *Writer) addBeside(beside Key, c Change) {
	p, written := w.at[beside]
	if _, known := w.at[c.Key]; known || !written || len(w.units[p.unit]) >= fullUnit {
		w.add(c)
		return
	}
	w.at[c.Key] = position{p.unit, len(w.units[p.unit])}
	w.units[p.unit] = append(w.units[p.unit], c)
}

// Show makes a derived change visible to readers without committing it.
func (w *Writer) Show(key Key, record any) { w.add(Change{Key: key, Record: record}) }

// Delete removes a record.
func (w *Writer) Delete(key Key) { w.add(Change{Key: key, Durable: true}) }

// DeleteAfter removes a record in follow-up work of the step: what a command leaves behind may be more than fits into its unit.
func (w *Writer) DeleteAfter(key Key) { w.later = append(w.later, key) }

// Written says whether a record has been changed in this step.
func (w *Writer) Written(key Key) bool {
	_, written := w.at[key]
	return written
}

func (w *Writer) add(c Change) {
	if p, known := w.at[c.Key]; known {
		old := &w.units[p.unit][p.change]
		c.Durable = c.Durable || old.Durable
		*old = c
		return
	}
	if len(w.units) == 0 {
		w.open(false)
	}
	last := len(w.units) - 1
	if !w.atomic && len(w.units[last]) >= followUpRecords {
		w.open(false)
		last = len(w.units) - 1
	}
	if w.at == nil {
		w.at = map[Key]position{}
	}
	w.at[c.Key] = position{last, len(w.units[last])}
	if w.units[last] == nil {
		w.units[last] = make(Unit, 0, usualUnit)
	}
	w.units[last] = append(w.units[last], c)
}

// Take gives the units collected and starts anew.
func (w *Writer) Take() []Unit {
	if len(w.later) > 0 {
		w.FollowUp()
	}
	for _, key := range w.later {
		w.Delete(key)
	}
	units := w.units
	if n := len(units); n > 0 && len(units[n-1]) == 0 {
		units = units[:n-1]
	}
	w.units, w.later, w.atomic = nil, nil, false
	if len(w.at) <= keptPositions {
		clear(w.at)
	} else {
		w.at = nil
	}
	return units
}
