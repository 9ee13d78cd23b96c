package control

import "ballast/internal/control/services"

// Services calls do for every service as the machine has it, INACTIVE ones included, cluster by cluster in the order of
// creation. It is for those who check a machine between its steps; do must change nothing.
func (m *Machine) Services(do func(*services.Service)) { m.services.Each(do) }
