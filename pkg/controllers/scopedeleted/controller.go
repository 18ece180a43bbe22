// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package scopedeleted

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/clientset/versioned"
	informers "kite.dev/kite/pkg/generated/informers/externalversions/issues/v1alpha1"
)

// Name is the controller's name, for --controllers, logs and metrics.
const Name = "scopedeleted"

const (
	// interval is how long a kind that issues begin to need may not be watched.
	interval = 5 * time.Second

	// callTimeout bounds what one finding, or one kind, asks of the cluster.
	callTimeout = 30 * time.Second

	firstRetry   = 500 * time.Millisecond
	longestRetry = 2 * time.Minute
)

// Clients are how the controller reaches the cluster.
type Clients struct {
	Issues    versioned.Interface
	Metadata  metadata.Interface
	Discovery discovery.DiscoveryInterfaceWithContext
	Access    authorizationclient.SelfSubjectAccessReviewInterface
}

// Controller resolves issues whose scope was deleted.
type Controller struct {
	clients Clients
	clock   clock.Clock
	issues  cache.SharedIndexInformer
	kinds   *kinds
	queue   workqueue.TypedRateLimitingInterface[finding]
}

// finding is an issue whose scope was seen to be deleted.
type finding struct {
	issue types.NamespacedName
	scope scope
}

var (
	_ manager.Runnable               = (*Controller)(nil)
	_ manager.LeaderElectionRunnable = (*Controller)(nil)
)

// New returns a controller that works when Start is called, which is once.
func New(clients Clients, clock clock.Clock) *Controller {
	active := func(options *metav1.ListOptions) {
		options.FieldSelector = fields.OneTermEqualSelector(issuesv1alpha1.FieldState, string(issuesv1alpha1.StateActive)).String()
	}
	c := &Controller{
		clients: clients,
		clock:   clock,
		issues:  informers.NewFilteredIssueInformer(clients.Issues, metav1.NamespaceAll, 0, indexers, active),
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[finding](firstRetry, longestRetry)),
	}
	c.kinds = &kinds{clients: &c.clients, clock: clock, gone: c.gone, watches: map[schema.GroupKind]*watch{}}
	return c
}

// NeedLeaderElection says that only the leader works.
func (c *Controller) NeedLeaderElection() bool { return true }

// Start works until ctx ends.
func (c *Controller) Start(ctx context.Context) error {
	if err := c.issues.SetTransform(slimIssue); err != nil {
		return fmt.Errorf("set up controller %s: %w", Name, err)
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer c.queue.ShutDown()
	defer c.kinds.end()
	running.Go(func() { c.issues.RunWithContext(ctx) })
	if !cache.WaitForCacheSync(ctx.Done(), c.issues.HasSynced) {
		return nil
	}
	running.Go(func() { c.work(ctx) })
	for {
		c.kinds.need(ctx, c.needed())
		select {
		case <-ctx.Done():
			return nil
		case <-c.clock.After(interval):
		}
	}
}

// needed are the kinds of the scopes of Active issues.
func (c *Controller) needed() map[schema.GroupKind]bool {
	out := map[schema.GroupKind]bool{}
	for _, kind := range c.issues.GetIndexer().ListIndexFuncValues(byKind) {
		out[schema.ParseGroupKind(kind)] = true
	}
	return out
}

// gone queues the issues about an object that was deleted.
func (c *Controller) gone(kind schema.GroupKind, object *metav1.PartialObjectMetadata) {
	found, _ := c.issues.GetIndexer().ByIndex(byUID, string(object.UID))
	for _, obj := range found {
		issue, ok := obj.(*issuesv1alpha1.Issue)
		if !ok {
			continue
		}
		s := scopeOf(issue)
		if s == nil || s.kind != kind || s.namespace != object.Namespace || s.name != object.Name {
			continue
		}
		c.queue.Add(finding{types.NamespacedName{Namespace: issue.Namespace, Name: issue.Name}, *s})
	}
}

func (c *Controller) work(ctx context.Context) {
	for {
		f, shutdown := c.queue.Get()
		if shutdown {
			return
		}
		if err := c.resolve(ctx, f); err != nil {
			ctrl.LoggerFrom(ctx).V(1).Info("The issue of a deleted object is not resolved yet", "issue", f.issue.String(), "reason", err.Error())
			c.queue.AddRateLimited(f)
		} else {
			c.queue.Forget(f)
		}
		c.queue.Done(f)
	}
}

// resolve asks again whether the object is gone, and the issue about it: a watch tells what
// was, and a finding may have waited for long.
func (c *Controller) resolve(ctx context.Context, f finding) error {
	issue := c.issueOf(f)
	if issue == nil {
		return nil
	}
	resource, ok := c.kinds.watched(f.scope.kind)
	if !ok {
		return fmt.Errorf("%s is not watched", f.scope.kind)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	object, err := c.clients.Metadata.Resource(resource).Namespace(f.scope.namespace).Get(ctx, f.scope.name, metav1.GetOptions{})
	switch {
	case err == nil && string(object.UID) == f.scope.uid:
		return nil // it was never deleted
	case err != nil && !noObject(err):
		return fmt.Errorf("look for the object: %w", err)
	}
	resolution := &issuesv1alpha1.IssueResolution{
		ObjectMeta: metav1.ObjectMeta{Name: issue.Name, ResourceVersion: issue.ResourceVersion},
		Reason:     issuesv1alpha1.ReasonScopeDeleted,
		Message:    fmt.Sprintf("%s %s was deleted", f.scope.kind.Kind, f.scope.name),
	}
	_, err = c.clients.Issues.IssuesV1alpha1().Issues(f.issue.Namespace).Resolve(ctx, f.issue.Name, resolution, metav1.CreateOptions{})
	if apierrors.IsNotFound(err) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// noObject tells that there is no such object from that nobody knows: its version may be
// served no longer.
func noObject(err error) bool {
	return apierrors.IsNotFound(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// issueOf is the issue of a finding, or nil when it is Active no longer, or about another
// object: one of the same name may fail already.
func (c *Controller) issueOf(f finding) *issuesv1alpha1.Issue {
	obj, exists, err := c.issues.GetIndexer().GetByKey(f.issue.String())
	if err != nil || !exists {
		return nil
	}
	issue, ok := obj.(*issuesv1alpha1.Issue)
	if !ok {
		return nil
	}
	if s := scopeOf(issue); s == nil || *s != f.scope {
		return nil
	}
	return issue
}
