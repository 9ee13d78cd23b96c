package session

import (
	"errors"
	"testing"
	"testing/synctest"
)

func TestPipeCarriesBothWays(t *testing.T) {
	agent, control := Pipe()
	for seq := range uint64(3) {
		if err := agent.Send(Report{Seq: seq}); err != nil {
			t.Fatal(err)
		}
		if err := control.Send(Assignments{Ack: seq}); err != nil {
			t.Fatal(err)
		}
	}
	for seq := range uint64(3) {
		if r, err := control.Recv(); err != nil || r.Seq != seq {
			t.Errorf("control got report %d, %v, want %d", r.Seq, err, seq)
		}
		if a, err := agent.Recv(); err != nil || a.Ack != seq {
			t.Errorf("the agent got ack %d, %v, want %d", a.Ack, err, seq)
		}
	}
}

func TestPipeDropsWhatDoesNotFit(t *testing.T) {
	agent, control := Pipe()
	for seq := range uint64(2 * pipeBuffer) {
		if err := agent.Send(Report{Seq: seq}); err != nil { // would hang if it waited
			t.Fatal(err)
		}
	}
	for seq := range uint64(pipeBuffer) {
		if r, err := control.Recv(); err != nil || r.Seq != seq {
			t.Fatalf("control got report %d, %v, want %d", r.Seq, err, seq)
		}
	}
	agent.Close()
	if r, err := control.Recv(); !errors.Is(err, ErrClosed) {
		t.Errorf("control got report %d, %v, want the end", r.Seq, err)
	}
}

func TestPipeCloseEndsBothEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		agent, control := Pipe()
		ended := make(chan error, 2)
		go func() { _, err := agent.Recv(); ended <- err }()
		go func() { _, err := control.Recv(); ended <- err }()
		synctest.Wait()
		control.Close()
		agent.Close()
		for range 2 {
			if err := <-ended; !errors.Is(err, ErrClosed) {
				t.Errorf("Recv gave %v, want ErrClosed", err)
			}
		}
		if err := agent.Send(Report{}); !errors.Is(err, ErrClosed) {
			t.Errorf("Send gave %v, want ErrClosed", err)
		}
	})
}
