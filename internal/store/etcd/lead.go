package etcd

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"ballast/internal/store"
)

// The lease of the leader. etcd alone would notice a dead leader after leaseTTL and half a second, and cannot be told a
// shorter one than 2 s; so those who wait look at the lease, and end it when the leader has been silent for more than a second
// in looksToDepose looks: after 1.6 s at the latest. Being deposed by mistake costs a leader a reload, never a record.
const (
	leaseTTL      = 5 * time.Second
	renewEvery    = 300 * time.Millisecond
	lookEvery     = 300 * time.Millisecond
	looksToDepose = 2
)

// Lead implements store.Store. It waits, however long it takes, until no other leads; faults of the cluster are waited out. A
// store that leads already gets a new fence at once.
func (s *Store) Lead(ctx context.Context) (store.Fence, error) {
	fence, err := s.lead(ctx)
	if err != nil {
		return 0, fmt.Errorf("lead by %s: %w", s.address, err)
	}
	return fence, nil
}

func (s *Store) lead(ctx context.Context) (store.Fence, error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	defer s.end()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	if err := s.write.take(ctx); err != nil {
		return 0, s.over(err)
	}
	defer s.write.give()
	s.head, s.leader = head{}, 0
	for {
		fence, err := s.campaign(ctx)
		switch {
		case err == nil && fence != 0:
			return fence, nil
		case ctx.Err() != nil:
			return 0, s.over(ctx.Err())
		case err != nil && certain(err) && !errors.Is(err, rpctypes.ErrTooManyRequests):
			return 0, err
		case err != nil && pause(ctx) != nil:
			return 0, s.over(ctx.Err())
		}
	}
}

// over tells the end of the caller's context from that of the store.
func (s *Store) over(err error) error {
	if s.ctx.Err() != nil {
		return store.ErrClosed
	}
	return err
}

// campaign tries to lead once. Without a fence and an error, it has waited for a leader that has gone since.
func (s *Store) campaign(ctx context.Context) (store.Fence, error) {
	if s.lease == nil || s.lease.lost() {
		l, err := s.grant(ctx)
		if err != nil {
			return 0, err
		}
		s.lease = l
	}
	key, h, err := s.look(ctx)
	if err != nil {
		return 0, err
	}
	next := head{fence: h.fence + 1, mark: drawMark(), known: true}
	compares := []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(s.address.headKey()), "=", h.revision)}
	ops := []clientv3.Op{clientv3.OpPut(s.address.headKey(), next.encode())}
	leader := int64(0)
	switch {
	case key == nil:
		compares = append(compares, clientv3.Compare(clientv3.CreateRevision(s.address.leaderKey()), "=", 0))
		ops = append(ops, clientv3.OpPut(s.address.leaderKey(), s.self, clientv3.WithLease(s.lease.id)))
	case key.lease == s.lease.id: // this store leads, or a try did whose answer was lost
		leader = key.created
		compares = append(compares, clientv3.Compare(clientv3.CreateRevision(s.address.leaderKey()), "=", leader))
	default:
		return 0, s.awaitVacancy(ctx, *key)
	}
	answer, err := s.txn(ctx, compares, ops)
	if err != nil || !answer.Succeeded {
		if errors.Is(err, rpctypes.ErrLeaseNotFound) {
			s.lease.lose()
		}
		return 0, err
	}
	if next.revision, s.leader = answer.Header.Revision, leader; leader == 0 {
		s.leader = answer.Header.Revision
	}
	s.head = next
	s.led.Store(s.lease)
	return next.fence, nil
}

// Lapsed implements store.Lapser. A deposed leader learns of it at the next renewal of its lease; one that cannot reach the cluster
// fears it when the lease should have run out.
func (s *Store) Lapsed() <-chan struct{} {
	if l := s.led.Load(); l != nil {
		return l.gone
	}
	return nil
}

// leaderKey is what the cluster says of the one that leads.
type leaderKey struct {
	lease             clientv3.LeaseID
	created, revision int64 // revisions: of the key, and of the look at it
	self              string
}

// look reads who leads and the head, at one moment. Without a leader the key is nil.
func (s *Store) look(ctx context.Context) (*leaderKey, head, error) {
	answer, err := s.txn(ctx, nil, []clientv3.Op{clientv3.OpGet(s.address.headKey()), clientv3.OpGet(s.address.leaderKey())})
	if err != nil {
		return nil, head{}, err
	}
	h, err := parseHead((*clientv3.GetResponse)(answer.Responses[0].GetResponseRange()))
	if err != nil {
		return nil, head{}, err
	}
	kvs := answer.Responses[1].GetResponseRange().Kvs
	if len(kvs) == 0 {
		return nil, h, nil
	}
	return &leaderKey{clientv3.LeaseID(kvs[0].Lease), kvs[0].CreateRevision, answer.Header.Revision, string(kvs[0].Value)}, h, nil
}

// awaitVacancy returns when the key of a leader has gone, or cannot be watched any longer. A key that this store itself has left behind, for
// it could not reach the cluster, is not waited for.
func (s *Store) awaitVacancy(ctx context.Context, key leaderKey) error {
	if before := s.led.Load(); before != nil && before.id == key.lease {
		return s.depose(ctx, key.lease)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.waits != nil {
		s.waits(key.self)
	}
	changes := s.client.Watch(clientv3.WithRequireLeader(ctx), s.address.leaderKey(), clientv3.WithRev(key.revision+1))
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for silent := 0; ; {
		select {
		case change, ok := <-changes:
			if !ok {
				return errors.New("the watch ended")
			}
			if err := change.Err(); err != nil {
				return err
			}
			if len(change.Events) > 0 {
				return nil
			}
		case <-ticker.C:
			if !s.isSilent(ctx, key.lease) {
				silent = 0
			} else if silent++; silent >= looksToDepose {
				return s.depose(ctx, key.lease)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// isSilent says whether a lease is known not to have been renewed for more than a second. The cluster tells whole seconds,
// rounded down: a lease of 5 s that was renewed within the last one has 4.
func (s *Store) isSilent(ctx context.Context, id clientv3.LeaseID) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := s.client.TimeToLive(ctx, id)
	return err == nil && answer.TTL < answer.GrantedTTL-1
}

// depose ends the lease of a leader, and with it the leader's key.
func (s *Store) depose(ctx context.Context, id clientv3.LeaseID) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := s.client.Revoke(ctx, id); err != nil && !errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return err
	}
	return nil
}

// lease is renewed by a goroutine until it is resigned or gone.
type lease struct {
	id     clientv3.LeaseID
	cancel context.CancelFunc
	over   chan struct{} // closed when it is renewed no longer
	once   sync.Once
	gone   chan struct{} // closed when the cluster does not know it any longer, or must be feared not to
	heard  time.Time     // when the cluster said last that it knows it; of the goroutine
}

func (s *Store) grant(ctx context.Context) (*lease, error) {
	ctx, cancelGrant := context.WithTimeout(ctx, callTimeout)
	defer cancelGrant()
	asked := time.Now()
	answer, err := s.client.Grant(ctx, int64(leaseTTL/time.Second))
	if err != nil {
		return nil, fmt.Errorf("get a lease: %w", err)
	}
	l := &lease{id: answer.ID, over: make(chan struct{}), gone: make(chan struct{}), heard: asked}
	renewing, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	go l.renew(renewing, s.client)
	return l, nil
}

// renew works until the lease is gone or resigned. Failures are tried again at the same pace: the cluster says when it is over.
// (The client's own KeepAlive renews a lease of this length too seldom, its KeepAliveOnce tries again without a pause.)
func (l *lease) renew(ctx context.Context, client *clientv3.Client) {
	defer close(l.over)
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for !l.lost() && ctx.Err() == nil {
		l.renewBy(ctx, pb.NewLeaseClient(client.ActiveConnection()), ticker.C)
		if time.Since(l.heard) > leaseTTL {
			l.lose()
		}
	}
}

// renewBy renews over one stream, until that fails.
func (l *lease) renewBy(ctx context.Context, client pb.LeaseClient, ticks <-chan time.Time) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var stream pb.Lease_LeaseKeepAliveClient
	for {
		select {
		case <-ticks:
		case <-l.gone:
			return
		case <-ctx.Done():
			return
		}
		asked, bound := time.Now(), time.AfterFunc(callTimeout, cancel)
		ttl, err := int64(0), error(nil)
		if stream == nil {
			stream, err = client.LeaseKeepAlive(ctx)
		}
		if err == nil {
			ttl, err = renewOnce(stream, l.id)
		}
		bound.Stop()
		if err != nil {
			return
		}
		if l.heard = asked; ttl <= 0 {
			l.lose()
		}
	}
}

// renewOnce gives the seconds that a lease has from now on; none when the cluster does not know it.
func renewOnce(stream pb.Lease_LeaseKeepAliveClient, id clientv3.LeaseID) (int64, error) {
	if err := stream.Send(&pb.LeaseKeepAliveRequest{ID: int64(id)}); err != nil {
		return 0, err
	}
	answer, err := stream.Recv()
	if err != nil {
		return 0, err
	}
	return answer.TTL, nil
}

func (l *lease) lose() { l.once.Do(func() { close(l.gone) }) }

func (l *lease) lost() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// resign ends the lease. One that cannot be reached ends by itself.
func (l *lease) resign(client *clientv3.Client) {
	l.cancel()
	<-l.over
	if l.lost() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_, _ = client.Revoke(ctx, l.id) // without success the lease runs out
}
