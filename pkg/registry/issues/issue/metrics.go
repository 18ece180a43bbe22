// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"

	"kite.dev/kite/pkg/apis/issues"
	rules "kite.dev/kite/pkg/issue"
)

var (
	openedTotal = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace: "kite", Name: "issues_opened_total", StabilityLevel: metrics.ALPHA,
		Help: "How often issues became Active by writes of this replica; types that are not well known count as other.",
	}, []string{"severity", "type"})
	resolvedTotal = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace: "kite", Name: "issues_resolved_total", StabilityLevel: metrics.ALPHA,
		Help: "How often issues were resolved, or deleted while Active, by writes of this replica.",
	}, []string{"severity", "type"})
	timeToResolve = metrics.NewHistogramVec(&metrics.HistogramOpts{
		Namespace: "kite", Name: "issue_time_to_resolve_seconds", StabilityLevel: metrics.ALPHA,
		Help:    "For how long issues had been Active that were resolved, from the first failure to the recovery.",
		Buckets: []float64{60, 300, 900, 3600, 4 * 3600, 12 * 3600, 86400, 3 * 86400, 7 * 86400, 30 * 86400},
	}, []string{"severity"})
)

func init() { //nolint:gochecknoinits // as in Kubernetes
	legacyregistry.MustRegister(openedTotal, resolvedTotal, timeToResolve)
}

var wellKnownTypes = []string{
	issues.TypeBuild, issues.TypeTest, issues.TypeRelease, issues.TypeDependency, issues.TypePipeline,
	issues.TypePolicy, issues.TypeRuntime,
}

// countedOptions lead to storage that counts what is written.
type countedOptions struct{ generic.RESTOptionsGetter }

// GetRESTOptions implements generic.RESTOptionsGetter.
func (o countedOptions) GetRESTOptions(resource schema.GroupResource, example runtime.Object) (generic.RESTOptions, error) {
	options, err := o.RESTOptionsGetter.GetRESTOptions(resource, example)
	if err != nil {
		return options, err
	}
	decorate := options.Decorator
	options.Decorator = func(
		config *storagebackend.ConfigForResource, prefix string, keyFunc func(runtime.Object) (string, error),
		newFunc, newListFunc func() runtime.Object, getAttrs storage.AttrFunc, triggers storage.IndexerFuncs, indexers *cache.Indexers,
	) (storage.Interface, factory.DestroyFunc, error) {
		store, destroy, err := decorate(config, prefix, keyFunc, newFunc, newListFunc, getAttrs, triggers, indexers)
		if err != nil {
			return nil, destroy, err
		}
		return counted{store}, destroy, nil
	}
	return options, nil
}

// counted counts what is written, once it is: a try that lost against another write
// counts nothing.
type counted struct{ storage.Interface }

// Create implements storage.Interface.
func (c counted) Create(ctx context.Context, key string, obj, out runtime.Object, ttl uint64) error {
	err := c.Interface.Create(ctx, key, obj, out, ttl)
	if issue, ok := out.(*issues.Issue); ok && err == nil {
		observe(life{reopened: -1}, lifeOf(issue), issue)
	}
	return err
}

// GuaranteedUpdate implements storage.Interface.
func (c counted) GuaranteedUpdate(
	ctx context.Context, key string, out runtime.Object, ignoreNotFound bool, preconditions *storage.Preconditions,
	tryUpdate storage.UpdateFunc, suggestion runtime.Object,
) error {
	before := life{reopened: -1}
	try := func(input runtime.Object, meta storage.ResponseMeta) (runtime.Object, *uint64, error) {
		before = life{reopened: -1}
		if issue, ok := input.(*issues.Issue); ok && issue.UID != "" {
			before = lifeOf(issue)
		}
		return tryUpdate(input, meta)
	}
	err := c.Interface.GuaranteedUpdate(ctx, key, out, ignoreNotFound, preconditions, try, suggestion)
	if issue, ok := out.(*issues.Issue); ok && err == nil {
		observe(before, lifeOf(issue), issue)
	}
	return err
}

// Delete implements storage.Interface.
func (c counted) Delete(
	ctx context.Context, key string, out runtime.Object, preconditions *storage.Preconditions,
	validate storage.ValidateObjectFunc, suggestion runtime.Object, opts storage.DeleteOptions,
) error {
	err := c.Interface.Delete(ctx, key, out, preconditions, validate, suggestion, opts)
	if issue, ok := out.(*issues.Issue); ok && err == nil && lifeOf(issue).active {
		resolvedTotal.WithLabelValues(labelsOf(issue)...).Inc()
	}
	return err
}

// life is how often an issue was reopened, and whether it is Active; of one that does
// not exist, it is one time less.
type life struct {
	active   bool
	reopened int32
}

func lifeOf(issue *issues.Issue) life {
	return life{active: issue.Status.State == issues.StateActive, reopened: issue.Status.Reopened}
}

// observe counts what lies between two versions of an issue, however many reports made
// the newer one.
func observe(before, after life, issue *issues.Issue) {
	opened := max(0, after.reopened-before.reopened)
	resolved := opened
	if before.active {
		resolved++
	}
	if after.active {
		resolved--
	}
	labels := labelsOf(issue)
	openedTotal.WithLabelValues(labels...).Add(float64(opened))
	if resolved <= 0 {
		return
	}
	resolvedTotal.WithLabelValues(labels...).Add(float64(resolved))
	if !after.active {
		episode := rules.EpisodeOf(issue)
		timeToResolve.WithLabelValues(labels[0]).Observe(episode.ResolvedAt.Sub(episode.OpenedAt).Seconds())
	}
}

func labelsOf(issue *issues.Issue) []string {
	kind := issue.Spec.Type
	if !slices.Contains(wellKnownTypes, kind) {
		kind = "other"
	}
	return []string{string(issue.Spec.Severity), kind}
}
