package fake

import "ballast/internal/driver"

// Withdraw has pulls of an image fail from now on, as if its registry did not have it any more, until it is put back.
func (m *Model) Withdraw(image string, gone bool) {
	if m.gone == nil {
		m.gone = map[string]bool{}
	}
	m.gone[image] = gone
}

// Ail has commands run in a container find it unhealthy from now on whatever its script says, until it is well again. Nothing
// happens where there is no such container.
func (m *Model) Ail(key driver.Key, ails bool) {
	if b := m.boxes[key]; b != nil {
		b.ails = ails
	}
}
