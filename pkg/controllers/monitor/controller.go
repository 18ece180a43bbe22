// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/expression"
	"kite.dev/kite/pkg/generated/clientset/versioned"
	informers "kite.dev/kite/pkg/generated/informers/externalversions/issues/v1alpha1"
)

// Name is the controller's name, for --controllers, logs and metrics.
const Name = "monitor"

const (
	// interval is how often a monitor that cannot watch yet tries again.
	interval = 5 * time.Second
	// renewal is how often it is asked whether a monitor that watches still may.
	renewal = time.Minute
	// callTimeout bounds what is asked of the cluster at a time.
	callTimeout = 30 * time.Second

	// Pauses after an error, the first and the longest.
	firstRetry   = 500 * time.Millisecond
	longestRetry = 2 * time.Minute

	// workers is how many reports are sent at the same time.
	workers = 8
	// evaluators is how many objects are evaluated at the same time: one for the monitors of
	// each namespace, and one for those of the cluster.
	evaluators = 4
)

// reporter is the part of report.Reporter that the controller uses.
type reporter interface {
	Failed(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error)
	Succeeded(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error)
}

// Clients are how the controller reaches the cluster.
type Clients struct {
	Issues    versioned.Interface
	Reporter  reporter
	Objects   dynamic.Interface
	Metadata  metadata.Interface
	Mapper    meta.RESTMapper
	Discovery discovery.ServerResourcesInterfaceWithContext
	Access    authorizationclient.SelfSubjectAccessReviewInterface
}

// Controller acts on monitors.
type Controller struct {
	clients Clients
	clock   clock.Clock

	monitors, clusterMonitors, issues, namespaces cache.SharedIndexInformer

	sources *sources
	owners  *owners
	queue   workqueue.TypedRateLimitingInterface[task]
	// changed has an element when the set of monitors may be another one.
	changed chan struct{}
	turns   *expression.Turns
	lanes   *lanes

	mu       sync.Mutex
	watchers map[types.NamespacedName]*watcher
	// resolved are the versions of issues that were resolved, by identity, until the
	// cache has seen it.
	resolved map[string]string
}

var (
	_ manager.Runnable               = (*Controller)(nil)
	_ manager.LeaderElectionRunnable = (*Controller)(nil)
)

// New returns a controller that works when Start is called, which is once.
func New(clients Clients, clock clock.WithTicker) *Controller {
	active := func(options *metav1.ListOptions) {
		options.FieldSelector = fields.OneTermEqualSelector(issuesv1alpha1.FieldState, string(issuesv1alpha1.StateActive)).String()
	}
	c := &Controller{
		clients:         clients,
		clock:           clock,
		monitors:        informers.NewIssueMonitorInformer(clients.Issues, metav1.NamespaceAll, 0, cache.Indexers{}),
		clusterMonitors: informers.NewClusterIssueMonitorInformer(clients.Issues, 0, cache.Indexers{}),
		issues:          informers.NewFilteredIssueInformer(clients.Issues, metav1.NamespaceAll, 0, issueIndexers, active),
		namespaces:      newNamespaceInformer(clients.Metadata),
		owners:          newOwners(clients.Metadata, clients.Mapper, clock),
		queue: workqueue.NewTypedRateLimitingQueueWithConfig(
			workqueue.NewTypedItemExponentialFailureRateLimiter[task](firstRetry, longestRetry),
			workqueue.TypedRateLimitingQueueConfig[task]{Name: Name, Clock: clock}),
		changed:  make(chan struct{}, 1),
		turns:    expression.NewTurns(evaluators, math.MaxInt),
		lanes:    newLanes(),
		watchers: map[types.NamespacedName]*watcher{},
		resolved: map[string]string{},
	}
	c.sources = &sources{clients: &c.clients, clock: clock, running: map[sourceKey]*source{}}
	return c
}

// NeedLeaderElection says that only the leader works.
func (c *Controller) NeedLeaderElection() bool { return true }

// Start works until ctx ends.
func (c *Controller) Start(ctx context.Context) error {
	if err := c.listen(); err != nil {
		return fmt.Errorf("set up controller %s: %w", Name, err)
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer c.queue.ShutDown()
	defer c.sources.end()
	informers := []cache.SharedIndexInformer{c.monitors, c.clusterMonitors, c.issues, c.namespaces}
	synced := make([]cache.InformerSynced, 0, len(informers))
	for _, informer := range informers {
		running.Go(func() { informer.RunWithContext(ctx) })
		synced = append(synced, informer.HasSynced)
	}
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return nil
	}
	for range workers {
		running.Go(func() { c.work(ctx) })
	}
	for {
		c.attach(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-c.changed:
		case <-c.clock.After(interval):
		}
	}
}

// listen wires what the informers tell.
func (c *Controller) listen() error {
	if err := c.issues.SetTransform(slimIssue); err != nil {
		return err
	}
	if err := c.namespaces.SetTransform(slimNamespace); err != nil {
		return err
	}
	monitors := handler(func(any) { c.wake() })
	for informer, on := range map[cache.SharedIndexInformer]cache.ResourceEventHandler{
		c.monitors: monitors, c.clusterMonitors: monitors,
		c.issues: handler(c.issueChanged), c.namespaces: c.namespaceHandler(),
	} {
		if _, err := informer.AddEventHandler(on); err != nil {
			return err
		}
	}
	return nil
}

func handler(changed func(any)) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    changed,
		UpdateFunc: func(_, obj any) { changed(obj) },
		DeleteFunc: func(obj any) { changed(lastOf(obj)) },
	}
}

// lastOf is a deleted object as it was seen last.
func lastOf(obj any) any {
	if unknown, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		return unknown.Obj
	}
	return obj
}

// wake makes Start look at the monitors.
func (c *Controller) wake() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// all are the watchers of all monitors.
func (c *Controller) all() []*watcher {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Values(c.watchers))
}

// watcher is the one of a monitor, nil where the monitor does not exist, or not yet.
func (c *Controller) watcher(key types.NamespacedName) *watcher {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watchers[key]
}
