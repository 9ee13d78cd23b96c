package bolt

import (
	"path/filepath"
	"testing"

	"ballast/internal/store"
	"ballast/internal/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		path := filepath.Join(t.TempDir(), "ballast.db")
		return func() (store.Store, error) { return Open(path) }
	})
}
