// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package visibleissue

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authentication/user"
)

const (
	// recheckInterval is how often a watch asks for its caller's rights. Together with
	// the age of cached answers it stays below the 10 s after which a right that was
	// taken away has no effect any more.
	recheckInterval = 3 * time.Second
	// maxUnconfirmed is for how long a watch goes on while nobody can say whether its
	// caller still has the rights.
	maxUnconfirmed = 6 * time.Second
)

const mustListAnew = "The namespaces in which you may list issues have changed, or may have. List anew."

// guard asks for the rights of a watch's caller again and again.
type guard struct {
	rest  *REST
	user  user.Info
	query *query
	scope scope
	// vouched says that what the caller saw before the watch is known to be of this
	// scope. Otherwise the watch soon ends, so that the caller lists anew.
	vouched bool
	// changed tells the watch its new scope, failed why it ends.
	changed chan scope
	failed  chan error
}

func (w *watcher) newGuard(u user.Info, vouched bool) *guard {
	return &guard{
		rest: w.rest, user: u, query: w.query, scope: w.scope, vouched: vouched,
		changed: make(chan scope), failed: make(chan error, 1),
	}
}

func (g *guard) run(ctx context.Context) {
	clock := g.rest.clock
	for confirmed := clock.Now(); ; {
		timer := clock.NewTimer(recheckInterval)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C():
		}
		err := g.check(ctx)
		switch {
		case err == nil:
			confirmed = clock.Now()
		case ctx.Err() != nil:
			return
		case !apierrors.IsServiceUnavailable(err) || clock.Since(confirmed) >= maxUnconfirmed:
			g.failed <- err
			return
		}
	}
}

// check passes a new scope on, and answers why the watch must end, if it must.
func (g *guard) check(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, recheckInterval)
	defer cancel()
	now, err := g.rest.ask(asking, g.user, g.query)
	switch {
	case err != nil:
		return rightsError(ctx, err)
	case !g.vouched || g.scope.everywhere != now.everywhere:
		return apierrors.NewResourceExpired(mustListAnew)
	case now.equal(g.scope):
		return nil
	}
	select {
	case g.changed <- now:
		g.scope = now
	case <-ctx.Done():
	}
	return ctx.Err()
}
