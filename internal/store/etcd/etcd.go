// Package etcd is the store on an existing etcd cluster, for several servers of which one leads.
//
// Everything lies under one prefix: the records, a head, and the leader's key. The head names the newest fence and is written
// by every transaction, each of which compares that it is as the one before left it. So a deposed leader cannot write, and a
// transaction whose answer was lost is either found in the head or can be sent again without harm: of the two at most one takes
// effect. The leader's key is bound to a lease and only says who may raise the fence.
//
// The package never interprets a record, never compacts or configures the cluster, and needs etcd 3.4 or newer with its default
// limits. Start reading at Open, then at commit.go, lead.go.
package etcd

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ballast/internal/store"
)

// Bounds of the calls. etcd finds a new leader of its own within 2 s at its default settings, which a commit should outlast.
const (
	openTimeout  = 5 * time.Second        // for the first answer of a cluster
	callTimeout  = 2 * time.Second        // for one answer
	settleFor    = 6 * time.Second        // to find out what became of a transaction
	retryPause   = 100 * time.Millisecond // between two tries
	closeTimeout = time.Second            // to resign
	pingAfter    = 5 * time.Second        // without traffic, to find a dead connection
)

// pageRecords bounds one answer of a load; records have a few hundred bytes as a rule.
const pageRecords = 512

// Store implements store.Store. Make one with Open.
type Store struct {
	address Address
	client  *clientv3.Client
	self    string // what the leader's key says
	waits   func(leader string)

	ctx    context.Context // ends waits for leadership when the store is closed
	cancel context.CancelFunc

	// calls is held for reading by calls under way, for writing by Close. write is held by the one call that leads or writes; it
	// is taken after calls, and guards all that follows.
	calls  sync.RWMutex
	closed bool
	write  turn
	lease  *lease
	head   head
	leader int64 // create revision of our leader's key; 0 while we do not lead

	led atomic.Pointer[lease] // under which the last Lead succeeded
}

var (
	_ store.Store  = (*Store)(nil)
	_ store.Lapser = (*Store)(nil)
)

// turn is a mutex that can be waited for with a context.
type turn chan struct{}

func (t turn) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }

// head is the key that every transaction compares and writes.
type head struct {
	fence    store.Fence
	mark     uint64 // drawn for the transaction that wrote it
	revision int64  // at which it was written; 0 means that there is none
	known    bool   // it is worth comparing with
}

const headBytes = 16

func (h head) encode() string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, headBytes), uint64(h.fence))
	return string(binary.BigEndian.AppendUint64(b, h.mark))
}

func drawMark() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}

// Open connects to the cluster that url names; ParseAddress says how. It fails when no member answers in time. self says who
// leads, to those who wait and to who looks into the cluster. waits, if not nil, is called by Lead for each leader that it
// waits for, with that one's self.
func Open(ctx context.Context, url, self string, waits func(leader string)) (*Store, error) {
	address, err := ParseAddress(url)
	if err != nil {
		return nil, err
	}
	encryption, err := address.encryption()
	if err != nil {
		return nil, err
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: address.endpoints(), TLS: encryption, Logger: zap.NewNop(),
		DialKeepAliveTime: pingAfter, DialKeepAliveTimeout: callTimeout})
	if err != nil {
		return nil, fmt.Errorf("store: connect to %s: %w", address, err)
	}
	s := &Store{address: address, client: client, self: self, waits: waits, write: make(turn, 1)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if _, err := s.readHead(ctx); err != nil {
		s.cancel()
		client.Close()
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("no member answers within %v: %w", openTimeout, err)
		}
		return nil, fmt.Errorf("store: open %s: %w", address, err)
	}
	return s, nil
}

// begin says that a call is under way; end must follow unless it fails.
func (s *Store) begin() error {
	s.calls.RLock()
	if s.closed {
		s.calls.RUnlock()
		return store.ErrClosed
	}
	return nil
}

func (s *Store) end() { s.calls.RUnlock() }

// Load implements store.Store. It reads pages of one revision; a cluster that compacts that revision meanwhile ends it with an
// error.
func (s *Store) Load(ctx context.Context, visit func(key string, value []byte) error) error {
	if err := s.begin(); err != nil {
		return fmt.Errorf("load %s: %w", s.address, err)
	}
	defer s.end()
	first := s.address.recordKey("")
	end := clientv3.GetPrefixRangeEnd(first)
	for from, revision := first, int64(0); ; {
		page, err := s.page(ctx, from, end, revision)
		if err != nil {
			return fmt.Errorf("load %s: %w", s.address, err)
		}
		revision = page.Header.Revision
		if len(page.Kvs) == 0 {
			return nil
		}
		for _, kv := range page.Kvs {
			if err := ctx.Err(); err != nil {
				return err
			}
			value := append(make([]byte, 0, len(kv.Value)), kv.Value...)
			if err := visit(string(kv.Key[len(first):]), value); err != nil {
				return err
			}
		}
		if !page.More {
			return nil
		}
		from = string(page.Kvs[len(page.Kvs)-1].Key) + "\x00"
	}
}

// page reads records from a key on, as of a revision, or as of now with revision 0. The header of the answer has the revision
// that was read. It tries again for as long as a commit would.
func (s *Store) page(ctx context.Context, from, end string, revision int64) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	for {
		page, err := s.get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(pageRecords), clientv3.WithRev(revision))
		if err == nil {
			if revision != 0 {
				page.Header.Revision = revision
			}
			return page, nil
		}
		if certain(err) || pause(ctx) != nil {
			return nil, err
		}
	}
}

// get reads with a bound of its own.
func (s *Store) get(ctx context.Context, key string, options ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := s.client.Get(call, key, options...)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return answer, err
}

// readHead reads the head as it is now, agreed upon by the cluster.
func (s *Store) readHead(ctx context.Context) (head, error) {
	answer, err := s.get(ctx, s.address.headKey())
	if err != nil {
		return head{}, err
	}
	return parseHead(answer)
}

func parseHead(answer *clientv3.GetResponse) (head, error) {
	if len(answer.Kvs) == 0 {
		return head{known: true}, nil
	}
	kv := answer.Kvs[0]
	if len(kv.Value) != headBytes {
		return head{}, fmt.Errorf("key %q is not a head of Ballast's: it has %d bytes", kv.Key, len(kv.Value))
	}
	return head{store.Fence(binary.BigEndian.Uint64(kv.Value)), binary.BigEndian.Uint64(kv.Value[8:]), kv.ModRevision, true}, nil
}

// certain says whether etcd refused a call before it had any effect, so that trying again has no use by itself.
func certain(err error) bool {
	code := status.Code(err)
	if e := interface{ Code() codes.Code }(nil); errors.As(err, &e) {
		code = e.Code()
	}
	switch code {
	case codes.InvalidArgument, codes.OutOfRange, codes.PermissionDenied, codes.Unauthenticated, codes.FailedPrecondition,
		codes.ResourceExhausted, codes.Unimplemented:
		return true
	}
	return false
}

// pause waits before another try.
func pause(ctx context.Context) error {
	timer := time.NewTimer(retryPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close implements store.Store. A leader resigns, so that another can follow at once; one that cannot be reached is deposed
// when it is missed.
func (s *Store) Close() error {
	s.cancel()
	s.calls.Lock()
	defer s.calls.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.lease != nil {
		s.lease.resign(s.client)
	}
	return s.client.Close()
}
