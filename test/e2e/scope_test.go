// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
)

// TestScopeDeleted: a Pipeline whose runs fail is deleted, and its issue resolves.
//
//nolint:paralleltest // there is one cluster
func TestScopeDeleted(t *testing.T) {
	c := newCluster(t)
	namespace := c.namespace(t, metav1.ObjectMeta{GenerateName: "team-"})
	editor := c.account(t, namespace, "editor", "edit")
	issues := editor.Issues(namespace)

	pipeline := c.newPipeline(t, namespace, "web-build")
	run := &tektonv1.PipelineRun{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "web-build-"},
		Spec:       tektonv1.PipelineRunSpec{PipelineRef: &tektonv1.PipelineRef{Name: pipeline.Name}},
	}
	c.start(t, run)
	var name string
	eventually(t, "the failed run has an issue", func(ctx context.Context) error {
		list, err := issues.List(ctx, metav1.ListOptions{})
		if err != nil || len(list.Items) != 1 {
			return errors.Join(err, errors.New("not one issue"))
		}
		name = list.Items[0].Name
		require.Equal(t, pipeline.UID, list.Items[0].Spec.Scope.UID)
		return nil
	})
	unnamed := reportOn(t, editor, namespace, pipeline.Name, "")
	c.awaitPipelinesAreSeen(t, editor, namespace)

	require.NoError(t, c.tekton.Delete(t.Context(), pipeline))
	eventually(t, "the Pipeline's issue is resolved", func(ctx context.Context) error {
		issue, err := issues.Get(ctx, name, metav1.GetOptions{})
		return errors.Join(err, checkResolved(issue))
	})
	issue, err := issues.Get(t.Context(), unnamed, metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.StateActive, issue.Status.State, "it does not say which Pipeline of that name it means")
}

// newPipeline is one whose runs fail.
func (c *cluster) newPipeline(t *testing.T, namespace, name string) *tektonv1.Pipeline {
	t.Helper()
	run := c.newRun(namespace, "build", "exit 1\n")
	pipeline := &tektonv1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: *run.Spec.PipelineSpec}
	require.NoError(t, c.tekton.Create(t.Context(), pipeline))
	return pipeline
}

// awaitPipelinesAreSeen makes Pipelines with an issue and deletes them, until one of these
// issues is resolved: what exists by then was seen, too.
func (c *cluster) awaitPipelinesAreSeen(t *testing.T, editor issuesclient.IssuesV1alpha1Interface, namespace string) {
	t.Helper()
	for attempt := range 60 {
		pipeline := c.newPipeline(t, namespace, fmt.Sprint("scratch-", attempt))
		name := reportOn(t, editor, namespace, pipeline.Name, pipeline.UID)
		require.NoError(t, c.tekton.Delete(t.Context(), pipeline))
		err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 2*time.Second, false, func(ctx context.Context) (bool, error) {
			issue, err := editor.Issues(namespace).Get(ctx, name, metav1.GetOptions{})
			return err == nil && checkResolved(issue) == nil, nil
		})
		if err == nil {
			return
		}
	}
	require.FailNow(t, "no deleted Pipeline is noticed")
}

func reportOn(t *testing.T, editor issuesclient.IssuesV1alpha1Interface, namespace, pipeline string, uid types.UID) string {
	t.Helper()
	at := metav1.NowMicro()
	answer, err := editor.IssueReports(namespace).Create(t.Context(), &v1alpha1.IssueReport{Spec: v1alpha1.IssueReportSpec{
		Outcome: v1alpha1.OutcomeFailed, ObservedAt: &at,
		Issue: v1alpha1.ReportedIssue{
			Title: pipeline + " is wrong", Type: "lint", Severity: v1alpha1.SeverityMinor,
			Scope: v1alpha1.IssueScope{APIGroup: "tekton.dev", Kind: "Pipeline", Name: pipeline, UID: uid},
		},
	}}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Len(t, answer.Status.Issues, 1)
	return answer.Status.Issues[0].Name
}

func checkResolved(issue *v1alpha1.Issue) error {
	if issue.Status.State != v1alpha1.StateResolved {
		return fmt.Errorf("the issue is %s", issue.Status.State)
	}
	if reason := issue.Status.Transitions[0].Reason; reason != v1alpha1.ReasonScopeDeleted {
		return fmt.Errorf("it was resolved for %s", reason)
	}
	return nil
}
