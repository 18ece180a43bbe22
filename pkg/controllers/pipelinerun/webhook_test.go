// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"net/http"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"kite.dev/kite/pkg/apis/issues"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/issuewebhook"
)

// TestWebhooksMeetRuns: the webhooks of the guide resolve what this controller reports.
func TestWebhooksMeetRuns(t *testing.T) {
	t.Parallel()
	build := newRun(label(labelRunType, "build"), label(labelComponent, "checkout"),
		label(pacPrefix+pacEventType, "pull_request"), label(pacPrefix+pacPullRequest, "42"))
	cases := map[string]struct {
		reason   string
		delivery string
		event    string
		want     issuesv1alpha1.ReportedIssue
	}{
		"closed-pull-requests": {"the build of a pull request", "github-pull_request", "pull_request", identity(build)},
		"merged-updates":       {"MintMaker's update of the default branch", "gitlab-merge_request", "", updateOf("checkout", "main")},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile("../../registry/issues/issuewebhook/testdata/" + tc.delivery + ".json")
			require.NoError(t, err)
			mapping, err := guideWebhook(t, name).Map(t.Context(), http.Header{"X-Github-Event": {tc.event}}, body, time.Now())
			require.NoError(t, err)
			require.Len(t, mapping.Reports, 2)
			got := mapping.Reports[0].Spec.Issue
			require.Equal(t, tc.want.Type, got.Type, tc.reason)
			require.Equal(t, issues.IssueScope(tc.want.Scope), got.Scope, tc.reason)
			require.Equal(t, issues.IssueStage(tc.want.Stage), got.Stage, tc.reason)
			require.Equal(t, tc.want.Key, got.Key, tc.reason)
		})
	}
}

// guideWebhook is a webhook of the guide.
func guideWebhook(t *testing.T, name string) *issuewebhook.Webhook {
	t.Helper()
	guide, err := os.ReadFile("../../../docs/user/webhooks.md")
	require.NoError(t, err)
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(guide, -1) {
		webhook := &issuesv1alpha1.IssueWebhook{}
		require.NoError(t, yaml.UnmarshalStrict(block[1], webhook))
		if webhook.Name != name {
			continue
		}
		spec := &issues.IssueWebhookSpec{}
		require.NoError(t, issuesv1alpha1.Convert_v1alpha1_IssueWebhookSpec_To_issues_IssueWebhookSpec(&webhook.Spec, spec, nil))
		compiled, errs := issuewebhook.Compile(spec, field.NewPath("spec"))
		require.Empty(t, errs)
		return compiled
	}
	t.Fatalf("the guide has no webhook %s", name)
	return nil
}
