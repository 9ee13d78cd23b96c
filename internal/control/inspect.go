package control

import (
	"ballast/internal/control/root"
	"ballast/internal/control/services"
)

// Services calls do for every service as the machine has it, INACTIVE ones included, cluster by cluster in the order of
// creation. It is for those who check a machine between its steps; do must change nothing.
func (m *Machine) Services(do func(*services.Service)) { m.services.Each(do) }

// Present gives the committed state as Root does, but as it is at any time: it changes with the next Committed. It is for those who
// read it only between the steps of a machine, which then need not copy what they change for their sake.
func (m *Machine) Present() *root.Root { return m.visible.Present() }
