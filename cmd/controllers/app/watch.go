// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/cache"
)

// watchErrors tells of kinds that nothing is learnt of. Readiness does not: other controllers
// work, and a rollout would wait for whoever serves that kind. There is one in a process.
var watchErrors = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "kite_watch_errors_total",
	Help: "How often objects could not be listed or watched, by kind.",
}, []string{"kind"})

// countWatchError is called for each attempt that failed, by one that is tried again.
func countWatchError(ctx context.Context, r *cache.Reflector, err error) {
	if !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) && !errors.Is(err, io.EOF) {
		watchErrors.WithLabelValues(kindOf(r)).Inc()
	}
	cache.DefaultWatchErrorHandler(ctx, r, err)
}

// kindOf is the name of the type that is cached, without its package.
func kindOf(r *cache.Reflector) string {
	name := r.TypeDescription()
	return name[strings.LastIndex(name, ".")+1:]
}
