package control

import (
	"slices"
	"testing"
	"time"

	"ballast/internal/ecs"
)

// TestDeadlockedWindowIsAnnounced has percentages that let nothing start and nothing stop: of one task, 50 percent is one.
func TestDeadlockedWindowIsAnnounced(t *testing.T) {
	const stuck = "(service web) was unable to stop or start tasks during a deployment because of the service deployment" +
		" configuration. Update the minimumHealthyPercent or maximumPercent value and try again."
	w := newWorld(t, "ecs")
	w.agent()
	w.serve("web", w.define("web"), 1)
	w.pass(time.Minute)
	w.do(UpdateService{Cluster: "default", Name: "web", MinimumHealthyPercent: new(50), MaximumPercent: new(100)})
	equal(t, "without a deployment", w.said("web", stuck), 0)
	w.do(UpdateService{Cluster: "default", Name: "web", Definition: w.define("web")})
	equal(t, "said", w.said("web", stuck), 1)
	w.restart()
	w.pass(time.Minute)
	equal(t, "said again while it lasts", w.said("web", stuck), 1)
	equal(t, "running", w.running("web"), []string{"web:1"})
	w.do(UpdateService{Cluster: "default", Name: "web", Definition: w.define("web")})
	equal(t, "said of the next deployment", w.said("web", stuck), 2)
	w.do(UpdateService{Cluster: "default", Name: "web", MaximumPercent: new(200)})
	w.pass(time.Minute)
	equal(t, "running in a wider window", w.running("web"), []string{"web:3"})
	equal(t, "rollout", w.service("web").Deployments[0].Rollout, ecs.RolloutCompleted)
}

// TestUpdatesInARow has the newest of several deployments win, and all before it shrink together.
func TestUpdatesInARow(t *testing.T) {
	w := newWorld(t, "ecs")
	w.agent()
	w.serve("web", w.define("web"), 4)
	w.pass(time.Minute)
	w.do(UpdateService{Cluster: "default", Name: "web", MaximumPercent: new(150)})
	w.do(UpdateService{Cluster: "default", Name: "web", Definition: w.define("web")})
	equal(t, "running", w.running("web"), []string{"web:1", "web:1", "web:1", "web:1", "web:2", "web:2"})
	w.pass(20 * time.Second)
	w.do(UpdateService{Cluster: "default", Name: "web", Definition: w.define("web")})
	equal(t, "not enough healthy to stop a warming one, and no room", w.running("web"),
		[]string{"web:1", "web:1", "web:1", "web:1", "web:3", "web:3"})
	w.pass(39 * time.Second)
	equal(t, "old ones stay until new ones are healthy", w.running("web"),
		[]string{"web:1", "web:1", "web:1", "web:1", "web:3", "web:3"})
	w.pass(time.Second)
	equal(t, "as many of the one as of the other", w.running("web"),
		[]string{"web:1", "web:1", "web:3", "web:3", "web:3", "web:3"})
	w.pass(40 * time.Second)
	equal(t, "in the end", w.running("web"), slices.Repeat([]string{"web:3"}, 4))
	equal(t, "deployments", len(w.service("web").Deployments), 1)
	equal(t, "completed", w.said("web", "deployment completed."), 2)
}
