// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"runtime"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/expression"
	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/generated/clientset/versioned"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/informers/externalversions"
	listers "kite.dev/kite/pkg/generated/listers/issues/v1alpha1"
)

// workers write statuses. There are few: it takes one request to read and one to write.
const workers = 2

// maxWaiting is how many deliveries to a namespace may wait for their expressions: half of the
// requests that are in flight at most, by default.
const maxWaiting = 128

// Config is what Webhooks need. All is required.
type Config struct {
	// Issues and Host act as the gateway itself. It needs the rights to get, list and watch
	// issuewebhooks, and to update their status, everywhere; and to get those Secrets that
	// Roles name.
	Issues versioned.Interface
	Host   kubernetes.Interface
	// Own reports as the gateway itself, Callers as whoever sent the token in the context.
	Own, Callers gateway.Reporter
	// Reviews asks as whoever sent the token in the context.
	Reviews authorizationclient.SelfSubjectAccessReviewsGetter
	Clock   clock.WithTicker
}

// Webhooks are all webhooks of the cluster.
type Webhooks struct {
	hooks    hooks
	turns    *expression.Turns
	secrets  *secrets
	issues   issuesclient.IssuesV1alpha1Interface
	reviews  authorizationclient.SelfSubjectAccessReviewsGetter
	own      gateway.Reporter
	callers  gateway.Reporter
	clock    clock.PassiveClock
	informer cache.SharedIndexInformer
	lister   listers.IssueWebhookLister
	synced   cache.InformerSynced
	queue    workqueue.TypedRateLimitingInterface[types.NamespacedName]
}

// New returns Webhooks that know none before Run.
func New(c Config) (*Webhooks, error) {
	informer := externalversions.NewSharedInformerFactory(c.Issues, 0).Issues().V1alpha1().IssueWebhooks()
	w := &Webhooks{
		hooks:   hooks{all: map[types.NamespacedName]*hook{}},
		turns:   expression.NewTurns(runtime.GOMAXPROCS(0), maxWaiting),
		secrets: newSecrets(c.Host, c.Clock),
		issues:  c.Issues.IssuesV1alpha1(), reviews: c.Reviews,
		own: own{gateway.Counted(sourceName, c.Own)}, callers: gateway.Counted(sourceName, c.Callers),
		clock: c.Clock, informer: informer.Informer(), lister: informer.Lister(),
		queue: workqueue.NewTypedRateLimitingQueueWithConfig(
			workqueue.DefaultTypedControllerRateLimiter[types.NamespacedName](),
			workqueue.TypedRateLimitingQueueConfig[types.NamespacedName]{Name: "issuewebhooks", Clock: c.Clock}),
	}
	if err := w.informer.SetTransform(withoutManagers); err != nil {
		return nil, err
	}
	registration, err := w.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { w.changed(nil, obj) },
		UpdateFunc: w.changed,
		DeleteFunc: w.deleted,
	})
	if err != nil {
		return nil, err
	}
	w.synced = registration.HasSynced
	return w, nil
}

// withoutManagers keeps less in memory.
func withoutManagers(obj any) (any, error) {
	if webhook, ok := obj.(*v1alpha1.IssueWebhook); ok {
		webhook.ManagedFields = nil
	}
	return obj, nil
}

// changed compiles anew only what has another spec.
func (w *Webhooks) changed(old, obj any) {
	webhook, ok := obj.(*v1alpha1.IssueWebhook)
	if !ok {
		return
	}
	before, ok := old.(*v1alpha1.IssueWebhook)
	if !ok || before.Generation != webhook.Generation || before.UID != webhook.UID {
		w.hooks.set(newHook(webhook))
	}
	w.queue.Add(types.NamespacedName{Namespace: webhook.Namespace, Name: webhook.Name})
}

func (w *Webhooks) deleted(obj any) {
	if name, err := cache.DeletionHandlingObjectToName(obj); err == nil {
		w.hooks.remove(name.AsNamespacedName())
	}
}

// Run follows the webhooks until ctx ends.
func (w *Webhooks) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { w.informer.RunWithContext(ctx) })
	if cache.WaitForCacheSync(ctx.Done(), w.synced) {
		klog.FromContext(ctx).Info("Knows the webhooks")
		for range workers {
			all.Go(func() { w.work(ctx) })
		}
	}
	<-ctx.Done()
	w.queue.ShutDown()
	all.Wait()
}
