package control

import (
	"context"
	"time"
)

const (
	// gatherFrom is from how many commands on it pays to wait for others that may share their commit. Fewer are served best at
	// once: what they would save is less than the wait, which a timer makes a millisecond at least.
	gatherFrom = 8
	// gatherMax bounds that wait.
	gatherMax = time.Millisecond
)

// gather waits a moment for the commands of clients that were answered together, which as a rule ask again together: one commit
// for all of them costs little more than one for some. It waits for as many as there were around the last commit, for at most
// half of what that took, so a disk that is fast or a client that has few beside it is not waited for.
func (c *Control) gather(ctx context.Context) {
	if c.offered == 0 || c.crowd < gatherFrom || c.offered >= c.crowd {
		return
	}
	timer := time.NewTimer(min(c.lastCommit/2, gatherMax))
	defer timer.Stop()
	for c.offered < c.crowd {
		select {
		case r := <-c.commands:
			c.offer(r)
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

const (
	// paceShare says which share of the time commits may take that no client waits for: one part in so many.
	paceShare = 5
	// paceBurst is how much of that time can be saved up: a few crashes or a small deployment are not kept back, on a slow disk either.
	paceBurst = 100 * time.Millisecond
	// paceMax bounds how long reports are kept back, however slow the disk is.
	paceMax = 20 * time.Millisecond
)

// pace is the time left for commits that no client waits for: those of reports and of what is due. When many tasks start, each of
// their reports would fill a commit, and a command that comes in would find one under way nearly always and wait for two. Kept
// back for a few milliseconds they share commits, and a command takes along those that wait.
type pace struct {
	left time.Duration // below 0 when more has been spent
	at   time.Time     // when left was so much; zero before the first commit
}

// spend notes a commit that ended now.
func (p *pace) spend(now time.Time, took time.Duration) {
	p.refill(now)
	p.left = max(p.left-took, -paceMax/paceShare)
}

// wait says how long the next such commit is to be kept back.
func (p *pace) wait(now time.Time) time.Duration {
	p.refill(now)
	return max(0, -p.left*paceShare)
}

func (p *pace) refill(now time.Time) {
	if p.at.IsZero() {
		p.left, p.at = paceBurst, now
	}
	p.left = min(p.left+max(0, now.Sub(p.at))/paceShare, paceBurst)
	p.at = now
}

// hold keeps a step that no client waits for back as pace says. The first command ends that.
func (c *Control) hold(ctx context.Context) {
	if c.offered > 0 {
		return
	}
	wait := c.pace.wait(c.now())
	if wait == 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case r := <-c.commands:
		c.offer(r)
	case <-timer.C:
	case <-ctx.Done():
	}
}
