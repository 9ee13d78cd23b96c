package agent

import (
	"context"
	"testing"

	"ballast/internal/driver/fake"
	"ballast/internal/ecs"
	"ballast/internal/session"
)

// BenchmarkStarts measures the agent's own share of starting 200 tasks at once, from the assignment to the last RUNNING report,
// with containers that cost nothing.
func BenchmarkStarts(b *testing.B) {
	const tasks = 200
	ctx, cancel := context.WithCancel(b.Context())
	conn, peer := session.Pipe()
	a := NewAgent(Config{}, fake.New(1), func(context.Context) (session.Conn, error) { return conn, nil })
	ended := make(chan error)
	go func() { ended <- a.Run(ctx) }()
	hello, err := peer.Recv()
	if err != nil {
		b.Fatal(err)
	}
	seq := uint64(1)
	peer.Send(session.Assignments{Session: hello.Session, Seq: seq, Ack: hello.Seq, Manifest: true})
	web, n := work(box("web")), uint32(0)
	for b.Loop() {
		m := session.Assignments{Session: hello.Session}
		for range tasks {
			n++
			id := ecs.ID{12: byte(n >> 24), 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}
			m.Tasks = append(m.Tasks, session.Assignment{Task: id, Desired: ecs.StatusRunning, Work: web})
		}
		running := map[ecs.ID]bool{}
		for len(running) < tasks {
			seq++
			m.Seq = seq
			peer.Send(m)
			m.Tasks = nil
			r, err := peer.Recv()
			if err != nil {
				b.Fatal(err)
			}
			for _, t := range r.Tasks {
				if t.Status == ecs.StatusRunning {
					running[t.Task] = true
				}
			}
			m.Ack = r.Seq
		}
	}
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
