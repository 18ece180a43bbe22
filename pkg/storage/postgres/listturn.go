// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// listTurns are the connections that lists may hold at once: three quarters. The rest
// is left to reads of single objects, which so never wait behind lists, however many
// one account asks for.
type listTurns chan struct{}

func newListTurns(connections int32) listTurns {
	return make(listTurns, connections-connections/4)
}

// take waits for a turn, for at most limit, and returns what ends it.
func (l listTurns) take(ctx context.Context, limit time.Duration) (end func(), err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errManyLists)
	defer cancel()
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

var errManyLists = apierrors.NewTooManyRequests("too many lists are being read from the database", retryAfterSeconds)
