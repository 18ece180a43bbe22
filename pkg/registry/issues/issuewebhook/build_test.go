// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
)

const testNamespace = "team-gamma"

var testTime = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func testStrategy() strategy {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	return newStrategy(scheme)
}

func newWebhook(edit ...func(*issues.IssueWebhook)) *issues.IssueWebhook {
	secret := issues.SecretKeyReference{Name: "github-webhook", Key: "secret"}
	out := &issues.IssueWebhook{
		ObjectMeta: metav1.ObjectMeta{
			Name: "github", Namespace: testNamespace, Generation: 3, ResourceVersion: "7", UID: "w1",
			CreationTimestamp: metav1.NewTime(testTime.Add(-3 * time.Hour)),
		},
		Spec: issues.IssueWebhookSpec{
			Authentication: issues.WebhookAuthentication{Github: &issues.WebhookSecret{SecretRef: secret}},
			Failed:         "body.failed",
			Issue: issues.IssueTemplate{
				Type: issues.TypeBuild, Severity: issues.SeverityMajor, Title: `"failed"`,
				Scope: &issues.ScopeTemplate{Kind: `"Repository"`, Name: `"shop"`},
			},
		},
	}
	for _, f := range edit {
		f(out)
	}
	return out
}

func readyStatus(status metav1.ConditionStatus, reason string) issues.IssueWebhookStatus {
	return issues.IssueWebhookStatus{
		ObservedGeneration: 3,
		Conditions: []metav1.Condition{{
			Type: issues.ConditionReady, Status: status, Reason: reason, LastTransitionTime: metav1.NewTime(testTime),
		}},
	}
}
