package attach

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"ballast/internal/driver"
)

// joined serves run at one end of a connection and gives the other.
func joined(run Run) (Conn, *bool) {
	ours, theirs := net.Pipe()
	served := new(bool)
	go func() {
		Serve(context.Background(), Stream(theirs, theirs), run)
		*served = true
	}()
	return Stream(ours, ours), served
}

func TestStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, served := joined(func(ctx context.Context, s driver.Streams) (int, error) {
			all, err := io.ReadAll(s.In)
			s.Out.Write(bytes.ToUpper(all))
			io.WriteString(s.Err, "done")
			return 7, err
		})
		in := strings.Repeat("abc", Window)
		var out, failure bytes.Buffer
		code, err := Connect(t.Context(), conn, driver.Streams{In: strings.NewReader(in), Out: &out, Err: &failure})
		if code != 7 || err != nil || out.String() != strings.ToUpper(in) || failure.String() != "done" {
			t.Errorf("code %d, error %v, %d bytes of output, %q", code, err, out.Len(), failure.String())
		}
		if synctest.Wait(); !*served {
			t.Error("Serve has not returned")
		}
	})
}

// TestNewsPassInput resizes the terminal of a command, and loses the connection, while input waits that nobody reads: no more than
// Window bytes of it have been taken.
func TestNewsPassInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sizes := make(chan driver.Size, 1)
		sizes <- driver.Size{Rows: 1, Columns: 2}
		var seen []driver.Size
		conn, served := joined(func(ctx context.Context, s driver.Streams) (int, error) {
			for {
				select {
				case size := <-s.Resize:
					seen = append(seen, size)
				case <-ctx.Done():
					return 0, ctx.Err()
				}
			}
		})
		in := &counted{}
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			_, err := Connect(ctx, conn, driver.Streams{In: in, Out: io.Discard, Terminal: true, Resize: sizes})
			result <- err
		}()
		synctest.Wait()
		sizes <- driver.Size{Rows: 3, Columns: 4}
		synctest.Wait()
		if len(seen) != 2 || seen[0] != (driver.Size{Rows: 1, Columns: 2}) || seen[1] != (driver.Size{Rows: 3, Columns: 4}) {
			t.Errorf("sizes %v", seen)
		}
		if in.n < Window || in.n > Window+chunk {
			t.Errorf("%d bytes of input were taken, want about %d", in.n, Window)
		}
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if synctest.Wait(); !*served {
			t.Error("the command goes on")
		}
	})
}

// counted is input without end.
type counted struct{ n int }

func (c *counted) Read(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}

func TestOutcomes(t *testing.T) {
	named := &driver.Error{Name: driver.CannotExecContainerError, Text: "it is not running"}
	for _, c := range []struct {
		name string
		code int
		err  error
	}{{"code", 137, nil}, {"named error", 0, named}, {"fault", 0, errors.New("the disk is full")}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, _ := joined(func(context.Context, driver.Streams) (int, error) { return c.code, c.err })
				code, err := Connect(t.Context(), conn, driver.Streams{})
				if code != c.code || (err == nil) != (c.err == nil) || err != nil && err.Error() != c.err.Error() {
					t.Errorf("got code %d, error %v", code, err)
				}
				if _, is := c.err.(*driver.Error); is != errors.As(err, new(*driver.Error)) {
					t.Errorf("%v has another type", err)
				}
			})
		})
	}
}

// TestLongNews: an error longer than a message arrives cut short, and as what it is.
func TestLongNews(t *testing.T) {
	long := strings.Repeat("\x01", maxMessage)
	for name, fails := range map[string]error{"named": &driver.Error{Name: driver.CannotExecContainerError, Text: long}, "fault": errors.New(long)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, _ := joined(func(context.Context, driver.Streams) (int, error) { return 0, fails })
				_, err := Connect(t.Context(), conn, driver.Streams{})
				if err == nil || errors.Is(err, ErrLost) || errors.As(err, new(*driver.Error)) != errors.As(fails, new(*driver.Error)) {
					t.Errorf("%.80v of type %T arrives", err, err)
				}
			})
		})
	}
}

// TestTakenTooMuch: whatever the other end says that it has taken, no more than Window bytes are under way.
func TestTakenTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		in := &counted{}
		go Connect(t.Context(), Stream(ours, ours), driver.Streams{In: in})
		conn := Stream(theirs, theirs)
		conn.Read() // which streams there are
		for range 3 {
			conn.Read()
			conn.Write([]byte("\x00" + `{"taken":9223372036854775807}`))
		}
		synctest.Wait()
		if in.n > Window+3*chunk {
			t.Errorf("%d bytes of input were taken, want at most %d", in.n, Window+3*chunk)
		}
		theirs.Close()
	})
}

// TestLost: a connection that breaks ends the command at one end and is told at the other.
func TestLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		var ended error
		go Serve(context.Background(), Stream(theirs, theirs), func(ctx context.Context, s driver.Streams) (int, error) {
			<-ctx.Done()
			_, ended = s.In.Read(make([]byte, 1))
			return 0, ctx.Err()
		})
		result := make(chan error, 1)
		in, typed := io.Pipe()
		defer typed.Close()
		go func() {
			_, err := Connect(t.Context(), Stream(ours, ours), driver.Streams{In: in})
			result <- err
		}()
		synctest.Wait()
		theirs.Close()
		if err := <-result; !errors.Is(err, ErrLost) {
			t.Errorf("got %v", err)
		}
		if synctest.Wait(); !errors.Is(ended, io.ErrUnexpectedEOF) {
			t.Errorf("the command was given %v as the end of its input", ended)
		}
	})
}

// TestNonsense: whatever comes, Serve returns, and runs nothing unless it was told of streams first.
func TestNonsense(t *testing.T) {
	message := func(s string) string { return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s }
	const opening = "\x00" + `{"open":{"input":true}}`
	for name, c := range map[string]struct {
		sent string
		ran  bool
	}{
		"nothing":         {"", false},
		"empty":           {message(""), false},
		"input first":     {message("\x01hello"), false},
		"no JSON":         {message("\x00{"), false},
		"too long":        {"\xff\xff\xff\xff", false},
		"unknown channel": {message(opening) + message("\x09hello"), true},
		"flood":           {message(opening) + strings.Repeat(message("\x01"+strings.Repeat("x", chunk)), Window/chunk+1), true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				ran, served := false, false
				go func() {
					Serve(context.Background(), Stream(theirs, theirs), func(ctx context.Context, s driver.Streams) (int, error) {
						ran = true
						<-ctx.Done()
						return 0, ctx.Err()
					})
					served = true
				}()
				go func() {
					io.WriteString(ours, c.sent)
					ours.Close()
				}()
				synctest.Wait()
				if ran != c.ran || !served {
					t.Errorf("ran %v, served %v", ran, served)
				}
			})
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("\x00" + `{"open":{"terminal":true,"size":{"Rows":1}}}`))
	f.Add([]byte("\x01hello"))
	f.Fuzz(func(t *testing.T, message []byte) {
		channel, data, _, err := parse(message)
		if err == nil && (channel > failure || len(data) != len(message)-1) {
			t.Errorf("%q is of channel %d with %d bytes", message, channel, len(data))
		}
	})
}
