// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues"
)

func TestTable(t *testing.T) {
	t.Parallel()
	secret := issues.SecretKeyReference{Name: "ci", Key: "secret"}
	by := func(authentication issues.WebhookAuthentication) func(*issues.IssueWebhook) {
		return func(w *issues.IssueWebhook) { w.Spec.Authentication = authentication }
	}
	forbidden := newWebhook(by(issues.WebhookAuthentication{Gitlab: &issues.WebhookSecret{SecretRef: secret}}), func(w *issues.IssueWebhook) {
		w.Status = readyStatus(metav1.ConditionFalse, issues.ReasonSecretForbidden)
	})
	fresh := newWebhook(by(issues.WebhookAuthentication{HMAC: &issues.WebhookHMAC{SecretRef: secret}}), func(w *issues.IssueWebhook) {
		w.CreationTimestamp = metav1.Time{}
	})
	token := newWebhook(beReady, by(issues.WebhookAuthentication{Token: &issues.WebhookToken{}}))
	remaining := int64(3)
	meta := metav1.ListMeta{ResourceVersion: "12", Continue: "more", RemainingItemCount: &remaining}
	const path = "/webhooks/team-gamma/github"
	rows := [][]any{
		{"github", "GitHub", "build", "major", "True", "3h", "github-webhook", path},
		{"github", "GitLab", "build", "major", "SecretForbidden", "3h", "ci", path},
		{"github", "HMAC", "build", "major", "<unknown>", "<unknown>", "ci", path},
		{"github", "Token", "build", "major", "True", "3h", "", path},
	}
	cases := map[string]struct {
		reason string
		obj    runtime.Object
		meta   metav1.ListMeta
		rows   [][]any
	}{
		"List": {
			"each webhook has a row",
			&issues.IssueWebhookList{ListMeta: meta, Items: []issues.IssueWebhook{*newWebhook(beReady), *forbidden, *fresh, *token}}, meta, rows,
		},
		"One": {"as in a watch", newWebhook(beReady), metav1.ListMeta{ResourceVersion: "7"}, rows[:1]},
	}
	convertor := tableConvertor{clocktesting.NewFakePassiveClock(testTime)}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, err := convertor.ConvertToTable(t.Context(), tc.obj, nil)
			require.NoError(t, err)
			require.Equal(t, tc.meta, table.ListMeta, tc.reason)
			got := [][]any{}
			for _, r := range table.Rows {
				require.Len(t, r.Cells, len(table.ColumnDefinitions))
				require.NotNil(t, r.Object.Object, "kubectl needs the object's metadata")
				got = append(got, r.Cells)
			}
			require.Equal(t, tc.rows, got, tc.reason)
		})
	}

	bare, err := convertor.ConvertToTable(t.Context(), token, &metav1.TableOptions{NoHeaders: true})
	require.NoError(t, err)
	require.Empty(t, bare.ColumnDefinitions)
	_, err = convertor.ConvertToTable(t.Context(), &issues.Issue{}, nil)
	require.ErrorContains(t, err, "want webhooks")
}
