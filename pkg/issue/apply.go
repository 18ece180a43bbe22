// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
)

// MaxLogExcerpt is how much of a failure's log an issue keeps, in bytes.
const MaxLogExcerpt = 8 << 10

// Reporter is the user who sends a report.
type Reporter struct {
	// User is the name that authentication gave.
	User string
	// ResolvesAny lets a report resolve what others reported, and widen to all
	// keys and types. Callers set it for users who may update issues/status.
	ResolvesAny bool
}

// Decision is what a report does to one issue.
type Decision struct {
	Result issues.ReportResult
	// Issue is the issue after the report: a new object, or the very one
	// passed in when nothing changed. It is nil when there is none.
	Issue *issues.Issue
	// Changed says that Issue has to be written. That can be so for an
	// Unchanged result: a newer recovery of a Resolved issue is remembered.
	Changed bool
}

// Apply decides what a valid report does to the issue that it concerns: current,
// or nil when there is none. Current is not modified. A new issue has the
// report's namespace and the first of its identity's names.
func Apply(current *issues.Issue, report *issues.IssueReport, by Reporter, now time.Time) Decision {
	if report.Spec.Outcome == issues.OutcomeSucceeded {
		return applySuccess(current, &report.Spec, by, now)
	}
	if current == nil {
		return create(report, by, now)
	}
	return applyFailure(current, &report.Spec, by, now)
}

// Matches says whether a Succeeded report speaks of an issue, beyond its own
// identity where it widens to all keys or types. It does not ask who may.
func Matches(issue *issues.Issue, report *issues.IssueReport) bool {
	have, want := IdentityOf(issue.Namespace, &issue.Spec), IdentityOfReport(report)
	if report.Spec.AllKeys {
		want.Key = have.Key
	}
	if report.Spec.AllTypes {
		want.Type = have.Type
	}
	return have == want
}

func create(report *issues.IssueReport, by Reporter, now time.Time) Decision {
	spec := &report.Spec
	out := &issues.Issue{Spec: *specOf(&spec.Issue)}
	out.Namespace = report.Namespace
	out.Name = IdentityOfReport(report).Names()[0]
	out.Generation = 1
	DefaultScope(out.Namespace, &out.Spec.Scope)

	at := observedAt(spec)
	out.Status.State = issues.StateActive
	countFailure(&out.Status, spec, by, at)
	describe(out, spec, by, at)
	addTransition(&out.Status, issues.IssueTransition{
		Time: micro(at), To: issues.StateActive, Reason: failureReason(spec, &out.Spec), By: by.User,
	})
	Sync(out, nil, now)
	return Decision{Result: issues.ResultCreated, Issue: out, Changed: true}
}

func applyFailure(current *issues.Issue, spec *issues.IssueReportSpec, by Reporter, now time.Time) Decision {
	out, at := current.DeepCopy(), observedAt(spec)
	if !countFailure(&out.Status, spec, by, at) {
		return Decision{Result: issues.ResultUnchanged, Issue: current}
	}
	if newestReport(&current.Status, spec, by, at) {
		describe(out, spec, by, at)
	}

	result := issues.ResultUpdated
	overtaken := current.Status.LastRecovered != nil && !at.After(current.Status.LastRecovered.Time)
	if current.Status.State == issues.StateActive && !overtaken {
		keepLasting(out, current, spec, by)
	}
	switch {
	case overtaken:
		result = issues.ResultStale
	case current.Status.State == issues.StateResolved:
		result = issues.ResultReopened
		reopen(&out.Status, issues.IssueTransition{
			Time: micro(at), Reason: failureReason(spec, &out.Spec), By: by.User,
		})
	}
	noteCause(out, current, issues.IssueTransition{Time: micro(at), By: by.User})
	BumpGeneration(out, current)
	Sync(out, current, now)
	return Decision{Result: result, Issue: out, Changed: true}
}

func applySuccess(current *issues.Issue, spec *issues.IssueReportSpec, by Reporter, now time.Time) Decision {
	unchanged := Decision{Result: issues.ResultUnchanged, Issue: current}
	if current == nil || !by.mayResolve(current) {
		return unchanged
	}
	at := observedAt(spec)
	counted, isNew := countRecovery(current.Status.CountedFailures, spec, at)
	if !isNew {
		return unchanged
	}
	if at.Before(failing(&current.Status)) {
		if known(current.Status.LastRecovered, at) {
			return unchanged
		}
		return Decision{Result: issues.ResultStale, Issue: current}
	}
	if current.Status.LastRecovered != nil && !at.After(current.Status.LastRecovered.Time) {
		return unchanged
	}

	out := current.DeepCopy()
	out.Status.CountedFailures = counted
	if current.Status.State == issues.StateResolved {
		out.Status.LastRecovered = &metav1.MicroTime{Time: at}
		Sync(out, current, now)
		return Decision{Result: issues.ResultUnchanged, Issue: out, Changed: true}
	}
	addRun(&out.Status, spec, at)
	reason := spec.Reason
	if reason == "" {
		reason = issues.ReasonSucceeded
	}
	resolve(&out.Status, issues.IssueTransition{Time: micro(at), Reason: reason, By: by.User})
	Sync(out, current, now)
	return Decision{Result: issues.ResultResolved, Issue: out, Changed: true}
}

// mayResolve holds the rule that a success undoes its own user's failure only.
func (r Reporter) mayResolve(issue *issues.Issue) bool {
	return r.ResolvesAny || r.User != "" && r.User == issue.Status.ReportedBy
}

// countFailure returns false when the failure was counted before.
func countFailure(status *issues.IssueStatus, spec *issues.IssueReportSpec, by Reporter, at time.Time) bool {
	counted, isNew := count(status.CountedFailures, fingerprintOf(spec, by.User, at))
	if !isNew {
		return false
	}
	status.CountedFailures = counted
	saturate(&status.Occurrences)
	if status.FirstSeen == nil || at.Before(status.FirstSeen.Time) {
		status.FirstSeen = &metav1.MicroTime{Time: at}
	}
	if status.LastSeen == nil || at.After(status.LastSeen.Time) {
		status.LastSeen = &metav1.MicroTime{Time: at}
	}
	addRun(status, spec, at)
	return true
}

// newestReport orders failures by time, then by the run's UID, then by reporter.
func newestReport(status *issues.IssueStatus, spec *issues.IssueReportSpec, by Reporter, at time.Time) bool {
	if status.ReportedAt == nil {
		return true
	}
	if !at.Equal(status.ReportedAt.Time) {
		return at.After(status.ReportedAt.Time)
	}
	if have, want := reportedRun(status), runUID(spec); have != want {
		return want > have
	}
	return by.User > status.ReportedBy
}

// failing is when the issue last failed or was reopened. Only a recovery that is
// not older resolves it.
func failing(status *issues.IssueStatus) time.Time {
	var last time.Time
	for _, t := range []*metav1.MicroTime{status.LastSeen, status.LastReopened} {
		if t != nil && t.After(last) {
			last = t.Time
		}
	}
	return last
}

func known(last *metav1.MicroTime, at time.Time) bool {
	return last != nil && last.Time.Equal(at)
}

// observedAt has the precision that the API keeps.
func observedAt(spec *issues.IssueReportSpec) time.Time {
	return spec.ObservedAt.Truncate(time.Microsecond)
}

func micro(t time.Time) metav1.MicroTime { return metav1.NewMicroTime(t) }
