package etcd

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"ballast/internal/store"
)

// Limits of one transaction, below etcd's own (128 operations, 1.5 MiB): room for the head and for what the protocol adds.
const (
	maxOps   = 120
	maxBytes = 1 << 20
)

// Commit implements store.Store. Units are grouped into transactions, one in flight. When the fence is lost after some of them
// the error is ErrUnknown: some units are durable.
func (s *Store) Commit(ctx context.Context, fence store.Fence, units []store.Unit) error {
	err := store.Check(units)
	if err == nil {
		err = s.commit(ctx, fence, units)
	}
	if err != nil {
		return fmt.Errorf("commit %d units to %s under fence %d: %w", len(units), s.address, fence, err)
	}
	return nil
}

func (s *Store) commit(ctx context.Context, fence store.Fence, units []store.Unit) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.end()
	if err := s.write.take(ctx); err != nil {
		return err
	}
	defer s.write.give()
	ctx = context.WithoutCancel(ctx) // it is too late to end it
	if fence == 0 {
		return store.ErrFenced
	}
	if !s.head.known || s.head.fence != fence {
		if err := s.refresh(ctx, fence); err != nil {
			return err
		}
	}
	if len(units) == 0 {
		return s.confirm(ctx)
	}
	written := 0
	for written < len(units) {
		ops, n := s.group(units[written:])
		if err := s.write1(ctx, ops); err != nil {
			if written > 0 && errors.Is(err, store.ErrFenced) {
				return fmt.Errorf("%w: the first %d units are durable, then another leader took over", store.ErrUnknown, written)
			}
			return err
		}
		written += n
	}
	return nil
}

// refresh reads the head anew and compares its fence.
func (s *Store) refresh(ctx context.Context, fence store.Fence) error {
	h, err := s.readHead(ctx)
	if err != nil {
		return fmt.Errorf("read the head, nothing was written: %w", err)
	}
	if h.fence != fence {
		return store.ErrFenced
	}
	s.head = h
	return nil
}

// group takes as many units as one transaction holds, and folds their records: etcd refuses two of one key.
func (s *Store) group(units []store.Unit) (ops []clientv3.Op, n int) {
	count, size := 0, 0
	for _, u := range units {
		bytes := 0
		for _, r := range u {
			bytes += len(s.address.recordKey(r.Key)) + len(r.Value)
		}
		if n > 0 && (count+len(u) > maxOps || size+bytes > maxBytes) {
			break
		}
		count, size, n = count+len(u), size+bytes, n+1
	}
	at := make(map[string]int, count)
	for _, u := range units[:n] {
		for _, r := range u {
			op := clientv3.OpDelete(s.address.recordKey(r.Key))
			if r.Value != nil {
				op = clientv3.OpPut(s.address.recordKey(r.Key), string(r.Value))
			}
			if i, twice := at[r.Key]; twice {
				ops[i] = op
				continue
			}
			at[r.Key] = len(ops)
			ops = append(ops, op)
		}
	}
	return ops, n
}

// leading is what every transaction compares: that the head is as the last one left it and, if this store leads by a key, that
// the key is still there.
func (s *Store) leading() []clientv3.Cmp {
	compares := []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(s.address.headKey()), "=", s.head.revision)}
	if s.leader != 0 {
		compares = append(compares, clientv3.Compare(clientv3.CreateRevision(s.address.leaderKey()), "=", s.leader))
	}
	return compares
}

// confirm asks whether this store leads, without writing.
func (s *Store) confirm(ctx context.Context) error {
	answer, err := s.txn(ctx, s.leading(), nil)
	if err != nil {
		return fmt.Errorf("ask who leads: %w", err)
	}
	if !answer.Succeeded {
		s.head = head{}
		return store.ErrFenced
	}
	return nil
}

// write1 makes one transaction durable. A try whose answer was lost is followed by others, which compare the same head: at most
// one takes effect, and its mark in the head tells that one did.
func (s *Store) write1(ctx context.Context, ops []clientv3.Op) error {
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	next := head{fence: s.head.fence, mark: drawMark(), known: true}
	ops = append(ops, clientv3.OpPut(s.address.headKey(), next.encode()))
	compares := s.leading()
	for lost := false; ; {
		answer, err := s.txn(ctx, compares, ops)
		switch {
		case err == nil && answer.Succeeded:
			next.revision = answer.Header.Revision
			s.head = next
			return nil
		case err == nil:
			return s.refused(answer, next, lost)
		case certain(err) && !lost:
			return err
		}
		lost = true
		if pause(ctx) != nil {
			s.head = head{}
			return fmt.Errorf("%w: %w", store.ErrUnknown, err)
		}
	}
}

// refused says what it means that a transaction found another head, or no key of ours. lost says that it was not the first try.
func (s *Store) refused(answer *clientv3.TxnResponse, next head, lost bool) error {
	found, err := parseHead((*clientv3.GetResponse)(answer.Responses[0].GetResponseRange()))
	before := s.head
	s.head = head{}
	switch {
	case err != nil:
		return err
	case found.fence == next.fence && found.mark == next.mark:
		s.head = found // an earlier try took effect
		return nil
	case found.revision == before.revision:
		return store.ErrFenced // the key of the leader has gone for good, and no try took effect
	case lost:
		return fmt.Errorf("%w: the answer was lost, and others have written since", store.ErrUnknown)
	case found.fence != next.fence:
		return store.ErrFenced
	}
	return errors.New("an earlier transaction took effect late; nothing of this one was written")
}

// txn runs ops if the comparisons hold, and else reads the head.
func (s *Store) txn(ctx context.Context, compares []clientv3.Cmp, ops []clientv3.Op) (*clientv3.TxnResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return s.client.Txn(ctx).If(compares...).Then(ops...).Else(clientv3.OpGet(s.address.headKey())).Commit()
}
