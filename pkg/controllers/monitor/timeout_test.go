// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/utils/clock"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/clientset/versioned"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
)

// silent is a server that takes requests, and never answers.
type (
	silent      struct{ versioned.Interface }
	silentGroup struct {
		issuesclient.IssuesV1alpha1Interface
	}
	silentIssues   struct{ issuesclient.IssueInterface }
	silentMonitors struct {
		issuesclient.IssueMonitorInterface
	}
	silentMetadata    struct{ metadata.Interface }
	silentResource    struct{ metadata.Getter }
	silentNamespace   struct{ metadata.ResourceInterface }
	silentAllMonitors struct {
		issuesclient.ClusterIssueMonitorInterface
	}
)

func (silent) IssuesV1alpha1() issuesclient.IssuesV1alpha1Interface { return silentGroup{} }

func (silentGroup) Issues(string) issuesclient.IssueInterface { return silentIssues{} }

func (silentGroup) IssueMonitors(string) issuesclient.IssueMonitorInterface { return silentMonitors{} }

func (silentGroup) ClusterIssueMonitors() issuesclient.ClusterIssueMonitorInterface {
	return silentAllMonitors{}
}

func (silentMetadata) Resource(schema.GroupVersionResource) metadata.Getter { return silentResource{} }

func (silentResource) Namespace(string) metadata.ResourceInterface { return silentNamespace{} }

func wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (silentIssues) Get(ctx context.Context, _ string, _ metav1.GetOptions) (*issuesv1alpha1.Issue, error) {
	return nil, wait(ctx)
}

func (silentMonitors) Get(ctx context.Context, _ string, _ metav1.GetOptions) (*issuesv1alpha1.IssueMonitor, error) {
	return nil, wait(ctx)
}

func (silentAllMonitors) Get(ctx context.Context, _ string, _ metav1.GetOptions) (*issuesv1alpha1.ClusterIssueMonitor, error) {
	return nil, wait(ctx)
}

func (silentNamespace) Get(ctx context.Context, _ string, _ metav1.GetOptions, _ ...string) (*metav1.PartialObjectMetadata, error) {
	return nil, wait(ctx)
}

// TestNoAnswer: nobody waits for ever.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{gadgets.GroupVersion()})
	mapper.AddSpecific(gadgets.GroupVersion().WithKind("GadgetSet"), gadgetSets, gadgetSets, meta.RESTScopeNamespace)
	controlled := gadget("a", "bad", 0, controlled("GadgetSet", "set"))
	for name, call := range map[string]func(context.Context, *Controller) error{
		"Status":      func(ctx context.Context, c *Controller) error { return c.updateStatus(ctx, &watcher{key: own}) },
		"StatusOfAll": func(ctx context.Context, c *Controller) error { return c.updateStatus(ctx, &watcher{key: cluster}) },
		"Issue": func(ctx context.Context, c *Controller) error {
			_, err := (&watcher{c: c}).overrules(ctx, &situation{}, "a")
			return err
		},
		"Owner": func(ctx context.Context, c *Controller) error {
			_, err := c.owners.of(ctx, controlled)
			return err
		},
		"Scope": func(ctx context.Context, c *Controller) error {
			_, err := c.owners.uidOf(ctx, schema.GroupKind{Group: gadgets.Group, Kind: "GadgetSet"}, namespace, "set")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &Controller{clients: Clients{Issues: silent{}}, owners: newOwners(silentMetadata{}, mapper, clock.RealClock{})}
				require.ErrorIs(t, call(t.Context(), c), context.DeadlineExceeded)
			})
		})
	}
}
