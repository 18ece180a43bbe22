// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

func gone(get func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := get(ctx); !apierrors.IsNotFound(err) {
			return fmt.Errorf("want 404, got %w", errors.Join(err, errors.New("it is there")))
		}
		return nil
	}
}

// TestGarbageCollector lets kube-controller-manager follow owner references from an
// Issue to a ConfigMap, and back.
func TestGarbageCollector(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	maps := kubernetes.NewForConfigOrDie(m.developer).CoreV1().ConfigMaps(m.namespace)
	owner := create(t, m, "owner")
	notes, err := maps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: "notes", OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(owner, v1alpha1.SchemeGroupVersion.WithKind("Issue"))},
	}}, metav1.CreateOptions{})
	require.NoError(t, err)
	create(t, m, "dependent", func(i *v1alpha1.Issue) {
		i.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(notes, corev1.SchemeGroupVersion.WithKind("ConfigMap"))}
	})

	foreground := metav1.DeletePropagationForeground
	require.NoError(t, m.issues(t).Delete(t.Context(), "owner", metav1.DeleteOptions{PropagationPolicy: &foreground}))
	for name, get := range map[string]func(context.Context) error{
		"the ConfigMap that the issue owned": func(ctx context.Context) error {
			_, err := maps.Get(ctx, "notes", metav1.GetOptions{})
			return err
		},
		"the issue that the ConfigMap owned": func(ctx context.Context) error {
			_, err := m.issues(t).Get(ctx, "dependent", metav1.GetOptions{})
			return err
		},
		"the issue that waited for its dependents": func(ctx context.Context) error {
			_, err := m.issues(t).Get(ctx, "owner", metav1.GetOptions{})
			return err
		},
	} {
		eventually(t, name+" goes", gone(get))
	}
}

// TestNamespaceDeletion shows that issues go with their namespace, that nothing can be
// written meanwhile, and that a new namespace of the same name starts empty.
func TestNamespaceDeletion(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := kubernetes.NewForConfigOrDie(m.host.admin).CoreV1().Namespaces()
	privileged := clientFor(t, m.host.admin).IssuesV1alpha1()
	createSome(t, m, 3)
	create(t, m, "held", func(i *v1alpha1.Issue) { i.Finalizers = []string{"example.com/audit"} })
	require.NoError(t, client.Delete(t.Context(), m.namespace, metav1.DeleteOptions{}))

	eventually(t, "a namespace that terminates takes no issue", func(ctx context.Context) error {
		_, err := privileged.Issues(m.namespace).Create(ctx, newIssue("late"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
			return fmt.Errorf("want a refusal, got %w", errors.Join(err, errors.New("no cause")))
		}
		return nil
	})
	eventually(t, "nor a report", func(ctx context.Context) error { // another replica may answer
		_, err := privileged.IssueReports(m.namespace).Create(ctx, newReport("late", v1alpha1.OutcomeFailed), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
			return fmt.Errorf("want a refusal, got %w", errors.Join(err, errors.New("no cause")))
		}
		return nil
	})
	eventually(t, "only the held issue stays", func(ctx context.Context) error {
		list, err := privileged.Issues(m.namespace).List(ctx, metav1.ListOptions{})
		if err == nil && (len(list.Items) != 1 || list.Items[0].Name != "held") {
			err = fmt.Errorf("there are %v", namesOf(list))
		}
		return err
	})
	held, err := privileged.Issues(m.namespace).Get(t.Context(), "held", metav1.GetOptions{})
	require.NoError(t, err)
	held.Finalizers = nil
	_, err = privileged.Issues(m.namespace).Update(t.Context(), held, metav1.UpdateOptions{})
	require.NoError(t, err)
	eventually(t, "the namespace goes", gone(func(ctx context.Context) error {
		_, err := client.Get(ctx, m.namespace, metav1.GetOptions{})
		return err
	}))

	_, err = client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: m.namespace}}, metav1.CreateOptions{})
	require.NoError(t, err)
	list, err := privileged.Issues(m.namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Empty(t, list.Items)
	eventually(t, "the new namespace takes issues", func(ctx context.Context) error {
		_, err := privileged.Issues(m.namespace).Create(ctx, newIssue("first"), metav1.CreateOptions{})
		return err
	})
	_, err = privileged.Issues("no-such-namespace").Create(t.Context(), newIssue("x"), metav1.CreateOptions{})
	require.True(t, apierrors.IsNotFound(err), "%v", err)
}

func newReport(component string, outcome v1alpha1.Outcome) *v1alpha1.IssueReport {
	now := metav1.NowMicro()
	return &v1alpha1.IssueReport{Spec: v1alpha1.IssueReportSpec{
		Outcome: outcome, ObservedAt: &now,
		Issue: v1alpha1.ReportedIssue{
			Title: "Build of " + component + " fails", Type: v1alpha1.TypeBuild, Severity: v1alpha1.SeverityMajor,
			Scope: v1alpha1.IssueScope{Kind: "Component", Name: component},
		},
	}}
}

const countedIssues = corev1.ResourceName("count/issues.issues.kite.dev")

// TestResourceQuota shows that kube-controller-manager counts issues, and that both
// ways to make one, by hand and by report, end where the quota ends.
func TestResourceQuota(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	quotas := kubernetes.NewForConfigOrDie(m.host.admin).CoreV1().ResourceQuotas(m.namespace)
	createSome(t, m, 1)
	_, err := quotas.Create(t.Context(), &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "issues"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{countedIssues: resource.MustParse("3")}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	used := func(want int64) func(context.Context) error {
		return func(ctx context.Context) error {
			quota, err := quotas.Get(ctx, "issues", metav1.GetOptions{})
			if err != nil {
				return err
			}
			got, ok := quota.Status.Used[countedIssues]
			if !ok || got.Value() != want {
				return fmt.Errorf("%v are used, not %d", quota.Status.Used, want)
			}
			return nil
		}
	}
	// kube-controller-manager counts anew when a quota changes, but not when its view of
	// issues, which may lag behind after an outage, catches up.
	attempt := 0
	eventually(t, "the one that was there is counted", func(ctx context.Context) error {
		attempt++
		patch := fmt.Appendf(nil, `{"spec":{"hard":{"count/secrets":"%d"}}}`, attempt)
		if _, err := quotas.Patch(ctx, "issues", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return err
		}
		return used(1)(ctx)
	})
	reports := clientFor(t, m.developer).IssuesV1alpha1().IssueReports(m.namespace)
	eventually(t, "the server knows the quota", func(ctx context.Context) error {
		if _, err := m.issues(t).Create(ctx, newIssue("by-hand"), metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
		return used(2)(ctx)
	})
	_, err = reports.Create(t.Context(), newReport("reported", v1alpha1.OutcomeFailed), metav1.CreateOptions{})
	require.NoError(t, err)
	eventually(t, "a reported one is counted", used(3))

	_, err = m.issues(t).Create(t.Context(), newIssue("fourth"), metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	require.ErrorContains(t, err, "exceeded quota: issues, requested: count/issues.issues.kite.dev=1, used: count/issues.issues.kite.dev=3")
	_, err = reports.Create(t.Context(), newReport("fifth", v1alpha1.OutcomeFailed), metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	require.ErrorContains(t, err, "exceeded quota")
	_, err = reports.Create(t.Context(), newReport("reported", v1alpha1.OutcomeSucceeded), metav1.CreateOptions{})
	require.NoError(t, err, "what is there may change")

	require.NoError(t, m.issues(t).Delete(t.Context(), "by-hand", metav1.DeleteOptions{}))
	eventually(t, "the quota is free again", used(2))
	eventually(t, "and can be used", func(ctx context.Context) error {
		_, err := m.issues(t).Create(ctx, newIssue("fourth"), metav1.CreateOptions{})
		return err
	})
}
