// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"fmt"
	"math"
	"time"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Name is the controller's name, for --controllers, logs and metrics.
const Name = "pipelinerun"

// Pauses after an error, the first and the longest.
const (
	firstRetry   = 500 * time.Millisecond
	longestRetry = 2 * time.Minute
)

// reconcileTimeout bounds all calls that one run takes.
const reconcileTimeout = 2 * time.Minute

// forever is how long the first list of PipelineRuns may take or fail. The end of it would be
// the end of the process, which has other controllers.
const forever = time.Duration(math.MaxInt64)

// Setup adds the controller to a manager. Its cache should use Transform, and
// Tekton's kinds have to be served by then. Config returns what is in force. Concurrency is
// the number of runs reported at the same time.
func Setup(mgr ctrl.Manager, reporter reporter, config func() *Config, concurrency int) error {
	reconciler := New(mgr.GetClient(), mgr.GetAPIReader(), reporter, config, clock.RealClock{})
	err := ctrl.NewControllerManagedBy(mgr).
		Named(Name).
		For(&tektonv1.PipelineRun{}).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: concurrency,
			ReconciliationTimeout:   reconcileTimeout,
			CacheSyncTimeout:        forever,
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](
				firstRetry, longestRetry),
		}).
		Complete(reconciler)
	if err != nil {
		return fmt.Errorf("set up controller %s: %w", Name, err)
	}
	return nil
}
