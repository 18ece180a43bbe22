// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/validation"
)

var secretRef = issues.SecretKeyReference{Name: "github-webhook", Key: "secret"}

func newWebhook(change func(*issues.IssueWebhook)) *issues.IssueWebhook {
	out := &issues.IssueWebhook{
		ObjectMeta: metav1.ObjectMeta{Name: "github", Namespace: "team-gamma", UID: "u", ResourceVersion: "1"},
		Spec: issues.IssueWebhookSpec{
			Authentication: issues.WebhookAuthentication{Github: &issues.WebhookSecret{SecretRef: secretRef}},
			Failed:         `body.conclusion == "failure"`,
			Issue: issues.IssueTemplate{
				Type: issues.TypeBuild, Severity: issues.SeverityMajor, Title: `body.name + " failed"`,
				Scope: &issues.ScopeTemplate{Kind: `"Repository"`, Name: `body.repository.name`},
			},
		},
	}
	if change != nil {
		change(out)
	}
	return out
}

// signed is newWebhook with signatures of another form.
func signed(change func(*issues.WebhookHMAC)) func(*issues.IssueWebhook) {
	return func(w *issues.IssueWebhook) {
		hmac := &issues.WebhookHMAC{SecretRef: secretRef, Header: "X-Signature", Encoding: issues.SignatureHex}
		change(hmac)
		w.Spec.Authentication = issues.WebhookAuthentication{HMAC: hmac}
	}
}

func TestValidateIssueWebhook(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		change func(*issues.IssueWebhook)
		want   []string
	}{
		"Github": {reason: "what is optional may be absent"},
		"Token": {reason: "a token of the cluster has no secret here", change: func(w *issues.IssueWebhook) {
			w.Spec.Authentication = issues.WebhookAuthentication{Token: &issues.WebhookToken{}}
		}},
		"HMAC": {reason: "all about a signature", change: signed(func(h *issues.WebhookHMAC) {
			h.Prefix, h.Encoding, h.TimestampHeader, h.SignedContent = "v0=", issues.SignatureBase64, "X-Timestamp", "v0:{timestamp}:{body}"
			h.Tolerance = &metav1.Duration{Duration: time.Hour}
		})},
		"OnlyRecoveries": {reason: "a merged pull request fails nothing", change: func(w *issues.IssueWebhook) {
			w.Spec.Failed, w.Spec.Succeeded, w.Spec.Issue.Title, w.Spec.Issue.Severity = "", "body.merged", "", ""
		}},
		"Empty": {
			reason: "what is required is asked for all at once",
			change: func(w *issues.IssueWebhook) { w.Spec = issues.IssueWebhookSpec{} },
			want:   []string{"spec.authentication", "spec.failed", "spec.issue.type", "spec.issue.scope"},
		},
		"FailureWithoutTitle": {
			reason: "a failure needs what people read",
			change: func(w *issues.IssueWebhook) { w.Spec.Issue.Title, w.Spec.Issue.Severity = "", "" },
			want:   []string{"spec.issue.title", "spec.issue.severity"},
		},
		"TwoAuthentications": {
			reason: "whoever knows one would be as good as whoever knows the other",
			change: func(w *issues.IssueWebhook) {
				w.Spec.Authentication.Gitlab = &issues.WebhookSecret{SecretRef: secretRef}
			},
			want: []string{"spec.authentication"},
		},
		"SecretWithoutName": {
			reason: "each part of a reference is needed",
			change: func(w *issues.IssueWebhook) { w.Spec.Authentication.Github.SecretRef = issues.SecretKeyReference{} },
			want:   []string{"spec.authentication.github.secretRef.name", "spec.authentication.github.secretRef.key"},
		},
		"SecretElsewhere": {
			reason: "no reference leads out of the namespace",
			change: func(w *issues.IssueWebhook) {
				w.Spec.Authentication.Github.SecretRef = issues.SecretKeyReference{Name: "kite-system/postgres", Key: "../dsn"}
			},
			want: []string{"spec.authentication.github.secretRef.name", "spec.authentication.github.secretRef.key"},
		},
		"Header": {
			reason: "a header has a name",
			change: signed(func(h *issues.WebhookHMAC) { h.Header, h.TimestampHeader = "X Signature", "é" }),
			want:   []string{"spec.authentication.hmac.header", "spec.authentication.hmac.timestampHeader"},
		},
		"NoHeader": {
			reason: "a signature is somewhere",
			change: signed(func(h *issues.WebhookHMAC) { h.Header = "" }),
			want:   []string{"spec.authentication.hmac.header"},
		},
		"OneHeader": {
			reason: "a signature is no timestamp",
			change: signed(func(h *issues.WebhookHMAC) { h.TimestampHeader = "x-signature" }),
			want:   []string{"spec.authentication.hmac.timestampHeader"},
		},
		"Encoding": {
			reason: "there are two",
			change: signed(func(h *issues.WebhookHMAC) { h.Encoding = "base64url" }),
			want:   []string{"spec.authentication.hmac.encoding"},
		},
		"BodyNotSigned": {
			reason: "a signature of something else proves nothing",
			change: signed(func(h *issues.WebhookHMAC) { h.SignedContent = "hello" }),
			want:   []string{"spec.authentication.hmac.signedContent"},
		},
		"TimestampNotSigned": {
			reason: "anybody can write another timestamp",
			change: signed(func(h *issues.WebhookHMAC) { h.TimestampHeader, h.SignedContent = "X-Timestamp", "{body}" }),
			want:   []string{"spec.authentication.hmac.signedContent"},
		},
		"NoTimestamp": {
			reason: "what is not sent cannot be signed",
			change: signed(func(h *issues.WebhookHMAC) { h.SignedContent = "{timestamp}.{body}" }),
			want:   []string{"spec.authentication.hmac.signedContent"},
		},
		"Tolerance": {
			reason: "a day is a replay",
			change: signed(func(h *issues.WebhookHMAC) { h.Tolerance = &metav1.Duration{Duration: 24 * time.Hour} }),
			want:   []string{"spec.authentication.hmac.tolerance"},
		},
		"NoTolerance": {
			reason: "no clock is that good",
			change: signed(func(h *issues.WebhookHMAC) { h.Tolerance = &metav1.Duration{} }),
			want:   []string{"spec.authentication.hmac.tolerance"},
		},
		"Expressions": {
			reason: "every bad expression is told, in whatever field",
			change: func(w *issues.IssueWebhook) {
				w.Spec.Ignore, w.Spec.Items, w.Spec.Failed, w.Spec.Run = "1", "true", "x", &issues.RunTemplate{Name: "2"}
			},
			want: []string{"spec.ignore", "spec.items", "spec.failed", "spec.run.name"},
		},
		"ItemBeforeItems": {
			reason: "what is asked of the delivery knows no item",
			change: func(w *issues.IssueWebhook) { w.Spec.Ignore, w.Spec.Items = "item == 1", "[item]" },
			want:   []string{"spec.ignore", "spec.items"},
		},
		"TooLong": {
			reason: "an expression has one error for its length",
			change: func(w *issues.IssueWebhook) { w.Spec.ObservedAt = strings.Repeat("x", 4097) },
			want:   []string{"spec.observedAt"},
		},
		"Expires": {
			reason: "what expires at once is nothing",
			change: func(w *issues.IssueWebhook) { w.Spec.Issue.ExpiresAfter = &metav1.Duration{} },
			want:   []string{"spec.issue.expiresAfter"},
		},
		"Nul": {
			reason: "PostgreSQL cannot hold it",
			change: func(w *issues.IssueWebhook) { w.Annotations = map[string]string{"a": "\x00"} },
			want:   []string{"metadata.annotations[a]"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook := newWebhook(tc.change)
			errs := withMarkers(t, webhook, nil, "", validation.ValidateIssueWebhook(webhook))
			require.ElementsMatch(t, tc.want, paths(errs), "%s: %v", tc.reason, errs)
		})
	}
}

// TestValidateWebhookUpdate: what an older version let in does not stand in the way of
// labels and finalizers, but is not left in a spec that changes.
func TestValidateWebhookUpdate(t *testing.T) {
	t.Parallel()
	old := newWebhook(func(w *issues.IssueWebhook) { w.Spec.Failed = "gone(body)" })
	labelled, changed := old.DeepCopy(), old.DeepCopy()
	labelled.Labels = map[string]string{"a": "b"}
	changed.Spec.Issue.Severity = issues.SeverityMinor
	require.Empty(t, validation.ValidateIssueWebhookUpdate(labelled, old))
	require.Equal(t, []string{"spec.failed"}, paths(validation.ValidateIssueWebhookUpdate(changed, old)))
}

func TestValidateWebhookStatus(t *testing.T) {
	t.Parallel()
	status := &issues.IssueWebhookStatus{Conditions: []metav1.Condition{{Type: "Ready", Message: "a\x00b"}}}
	errs := paths(validation.ValidateWebhookStatus(status, field.NewPath("status")))
	require.Contains(t, errs, "status.conditions[0].message")
	require.Contains(t, errs, "status.conditions[0].status")
}
