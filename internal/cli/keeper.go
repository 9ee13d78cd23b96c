package cli

import (
	"context"

	"ballast/internal/agent/keeper"
)

// keeperVerb is what the process driver runs this program as; people have no use for it.
type keeperVerb struct {
	Dir string `required:"" help:"The keeper's directory."`
}

// Run serves the directory until nothing runs there and nobody asks.
func (v *keeperVerb) Run(ctx context.Context) error {
	settleDown()
	return keeper.Run(ctx, keeper.Config{Dir: v.Dir})
}
