// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
)

// MaxAcknowledgement is how long an acknowledgement may last, and lasts when
// nobody says otherwise.
const MaxAcknowledgement = 90 * 24 * time.Hour

// ErrResolved is returned by Acknowledge for an issue that is not Active.
var ErrResolved = errors.New("a resolved issue cannot be acknowledged")

// Resolve is a person's verb. It makes an Active issue Resolved and returns the
// new object; a Resolved one is returned as it is, with false. It counts as a
// recovery now, or at the newest failure's time where that lies ahead of the
// server's clock: what a person decides is never stale.
func Resolve(current *issues.Issue, by string, resolution *issues.IssueResolution, now time.Time) (*issues.Issue, bool) {
	if current.Status.State == issues.StateResolved {
		return current, false
	}
	at := now.Truncate(time.Microsecond)
	if last := failing(&current.Status); last.After(at) {
		at = last
	}
	reason := resolution.Reason
	if reason == "" {
		reason = issues.ReasonResolved
	}
	out := current.DeepCopy()
	resolve(&out.Status, issues.IssueTransition{Time: micro(at), Reason: reason, By: by})
	Sync(out, current, now)
	setMessage(&out.Status, issues.ConditionResolved, resolution.Message)
	return out, true
}

// Reopen is a person's verb. It makes a Resolved issue Active and returns the
// new object; an Active one is returned as it is, with false. It is ordered
// after the newest recovery, and is no occurrence: nothing failed again.
func Reopen(current *issues.Issue, by string, now time.Time) (*issues.Issue, bool) {
	if current.Status.State == issues.StateActive {
		return current, false
	}
	at := now.Truncate(time.Microsecond)
	if last := current.Status.LastRecovered; last != nil && !at.After(last.Time) {
		at = last.Add(time.Microsecond)
	}
	out := current.DeepCopy()
	out.Status.LastReopened = &metav1.MicroTime{Time: at}
	reopen(&out.Status, issues.IssueTransition{Time: micro(at), Reason: issues.ReasonReopened, By: by})
	Sync(out, current, now)
	return out, true
}

// Acknowledge is a person's verb. It returns a new object on which the person
// takes care of the issue, in place of anyone who did before, or ErrResolved.
func Acknowledge(current *issues.Issue, by string, ack *issues.IssueAcknowledgement, now time.Time) (*issues.Issue, error) {
	if current.Status.State != issues.StateActive {
		return nil, ErrResolved
	}
	until := now.Add(MaxAcknowledgement)
	if ack.Until != nil {
		until = ack.Until.Time
	}
	out := current.DeepCopy()
	out.Status.Acknowledged = &issues.Acknowledgement{
		By:       by,
		At:       micro(now.Truncate(time.Microsecond)),
		Note:     ack.Note,
		Until:    metav1.NewTime(until.Truncate(time.Second)),
		Severity: out.Spec.Severity,
	}
	Sync(out, current, now)
	return out, nil
}

// Expired says whether an issue was not seen for as long as its producer allows.
// Whoever finds it so resolves it with reason Expired.
func Expired(issue *issues.Issue, now time.Time) bool {
	if issue.Status.State != issues.StateActive || issue.Spec.ExpiresAfter == nil {
		return false
	}
	return !now.Before(failing(&issue.Status).Add(issue.Spec.ExpiresAfter.Duration))
}
