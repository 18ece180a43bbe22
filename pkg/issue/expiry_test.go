// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issue"
)

// TestExpiryEndsNothingElse: producers of two kinds see one problem. One tells when it is
// over; the other one only stops to speak of it, which says nothing about the first.
func TestExpiryEndsNothingElse(t *testing.T) {
	t.Parallel()
	type sent struct {
		by     string
		report *issues.IssueReport
	}
	alert := func(report *issues.IssueReport) sent { return sent{"alerts", report} }
	event := func(seconds int) sent { return sent{"events", failed(seconds, withExpiry(10*time.Second))} }
	cases := map[string]struct {
		reason string
		sent   []sent
		// owner may tell that it is over, "" for what expires.
		owner string
	}{
		"Event":         {"nobody else speaks of it", []sent{event(10)}, ""},
		"AlertAndEvent": {"the alert still fires", []sent{alert(failed(0)), event(10)}, "alerts"},
		"EventAndAlert": {"however late the alert is sent", []sent{event(10), alert(failed(0))}, "alerts"},
		"NewerAlert":    {"it began later", []sent{event(10), alert(failed(20))}, "alerts"},
		"Events":        {"events do not wear it out", []sent{alert(failed(0)), event(10), event(20)}, "alerts"},
		"OneAccount":    {"who sends both", []sent{{"events", failed(0)}, event(10)}, "events"},
		"Recovered":     {"the alert is over", []sent{alert(failed(0)), alert(succeeded(5)), event(10)}, ""},
		"OldAlert": {
			"the alert was over before it was sent",
			[]sent{event(0), {"events", succeeded(5)}, event(10), alert(failed(3))},
			"",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var current *issues.Issue
			for _, s := range tc.sent {
				s.report.Spec.Source = s.by
				current = issue.Apply(current, s.report, issue.Reporter{User: s.by}, late).Issue
			}
			require.Equal(t, issues.StateActive, current.Status.State)
			require.Equal(t, tc.owner == "", issue.Expired(current, late), tc.reason)
			require.Equal(t, tc.owner == "", !issue.Deadline(current).IsZero(), "nobody needs to look at it")
			if tc.owner == "" {
				return
			}
			require.Equal(t, tc.owner, current.Status.ReportedBy)
			require.Equal(t, tc.owner, current.Status.Source, "by which a producer knows its own")
			over := issue.Apply(current, succeeded(30), issue.Reporter{User: tc.owner}, late)
			require.Equal(t, issues.ResultResolved, over.Result, "it ends when the alert does")
			again := issue.Apply(over.Issue, event(40).report, issue.Reporter{User: "events"}, late).Issue
			require.True(t, issue.Expired(again, late), "what comes then expires")
		})
	}
}

// TestEditedExpiryStays, whoever reports.
func TestEditedExpiryStays(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]*issues.IssueReport{"Lasts": failed(0), "Expires": failed(0, withExpiry(time.Second))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edited := apply(nil, first).Issue
			edited.Spec.ExpiresAfter = &metav1.Duration{Duration: time.Hour}
			got := apply(edited, failed(10, withExpiry(time.Minute)), failed(5), failed(20)).Issue
			require.Equal(t, time.Hour, got.Spec.ExpiresAfter.Duration)
		})
	}
}
