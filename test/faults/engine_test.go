// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/storage/postgres"
)

type engineConfig struct{ DSN, Schema string }

// requestTimeout is longer than what any request needs while its process and the
// database's answers are not held up.
const requestTimeout = 45 * time.Second

// server is an engine process's side of the protocol.
type server struct {
	engine *postgres.Engine
	store  *postgres.Store

	mu      sync.Mutex
	out     *json.Encoder
	watches map[int64]context.CancelFunc
	work    sync.WaitGroup
}

// serveEngine serves until in ends.
func serveEngine(cfg engineConfig, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancel(context.Background())
	engine, err := postgres.Open(ctx, postgres.Config{
		DSN: cfg.DSN, Schema: cfg.Schema, MaxConnections: 4,
		History: minHistory, Clock: eagerClock{clock.RealClock{}},
	})
	if err != nil {
		stop()
		return err
	}
	defer engine.Close()
	store, err := postgres.NewStore(engine, podStore())
	s := &server{engine: engine, store: store, out: json.NewEncoder(out), watches: map[int64]context.CancelFunc{}}
	defer s.work.Wait()
	defer stop()
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var req request
		if err := json.Unmarshal(lines.Bytes(), &req); err != nil {
			return err
		}
		s.start(ctx, req)
	}
	return lines.Err()
}

func (s *server) start(ctx context.Context, req request) {
	if req.Verb == cancel {
		s.mu.Lock()
		defer s.mu.Unlock()
		if end := s.watches[req.Target]; end != nil {
			end()
		}
		return
	}
	if req.Verb == watching {
		watchCtx, end := context.WithCancel(ctx)
		s.mu.Lock()
		s.watches[req.ID] = end
		s.mu.Unlock()
		s.work.Go(func() {
			defer end()
			s.watch(watchCtx, req)
		})
		return
	}
	s.work.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		r, err := s.do(ctx, req)
		r.ID = req.ID
		if err != nil {
			r.Result, r.Message = sortError(err), err.Error()
		}
		s.send(r)
	})
}

func (s *server) send(r reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.out.Encode(r); err != nil {
		fmt.Fprintln(os.Stderr, "reply:", err) // the reader is gone, and so will this process be
	}
}

func sortError(err error) result {
	switch {
	case storage.IsExist(err):
		return exists
	case storage.IsNotFound(err):
		return notFound
	case storage.IsConflict(err), storage.IsInvalidObj(err), apierrors.IsConflict(err):
		return conflict
	case apierrors.IsServiceUnavailable(err), apierrors.IsTooManyRequests(err):
		return refused
	case apierrors.IsTimeout(err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unknown
	case apierrors.IsResourceExpired(err), apierrors.IsGone(err):
		return expired
	default:
		return failed
	}
}

// minHistory is the shortest that an engine takes.
const minHistory = 75 * time.Second

// eagerClock makes the engine trim history that is old enough at once, rather than
// twice a minute.
type eagerClock struct{ clock.RealClock }

// NewTicker implements clock.WithTicker.
func (c eagerClock) NewTicker(d time.Duration) clock.Ticker {
	return c.RealClock.NewTicker(min(d, time.Second))
}

var errPages = errors.New("the pages of a list show different revisions")

func (s *server) do(ctx context.Context, req request) (reply, error) {
	switch req.Verb {
	case create:
		return s.create(ctx, req)
	case cas, update:
		return s.update(ctx, req)
	case remove:
		return s.remove(ctx, req)
	case get:
		return s.get(ctx, req)
	case list:
		return s.list(ctx, req)
	case current:
		rev, err := s.store.GetCurrentResourceVersion(ctx)
		return reply{Result: ok, Revision: int64(rev)}, err
	case compact:
		return reply{Result: ok}, s.engine.Compact(ctx, req.Revision)
	default:
		return reply{}, fmt.Errorf("no verb %q", req.Verb)
	}
}
