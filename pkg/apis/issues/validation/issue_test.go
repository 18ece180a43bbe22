// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/validation"
	"kite.dev/kite/pkg/issue"
)

func TestValidateIssue(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		change func(*issues.Issue)
		want   []string
	}{
		"Minimal": {reason: "title, type, severity and scope suffice"},
		"Full": {reason: "every field at its limit is valid", change: func(i *issues.Issue) {
			i.Spec.Title = strings.Repeat("ä", 256)
			i.Spec.Description = strings.Repeat("x", 32<<10)
			i.Spec.Type = strings.Repeat("t", 63)
			i.Spec.Stage, i.Spec.Key = issues.StagePullRequest, strings.Repeat("k", 253)
			i.Spec.Application = strings.Repeat("a", 253)
			i.Spec.Links = []issues.IssueLink{{Title: "log", URL: "http://x/y?z#a", Kind: issues.LinkLog}}
			i.Spec.Migration = &issues.IssueMigration{From: "a", To: "b", URL: "https://x"}
			i.Spec.RelatedIssues = []issues.RelatedIssue{{Namespace: "other", Name: "broken", Relation: issues.RelationCausedBy}}
			i.Spec.Cause = "TokenExpired"
		}},
		"Empty":           {reason: "every missing field is named at once", change: func(i *issues.Issue) { i.Spec = issues.IssueSpec{} }, want: []string{"spec.title", "spec.type", "spec.severity", "spec.scope.kind", "spec.scope.name"}},
		"Name":            {reason: "names are DNS subdomains", change: func(i *issues.Issue) { i.Name = "A_b" }, want: []string{"metadata.name"}},
		"LongTitle":       {reason: "257 characters are too many", change: func(i *issues.Issue) { i.Spec.Title = strings.Repeat("x", 257) }, want: []string{"spec.title"}},
		"BlankTitle":      {reason: "a blank title says nothing", change: func(i *issues.Issue) { i.Spec.Title = " \t " }, want: []string{"spec.title"}},
		"TwoLineTitle":    {reason: "a title is one line", change: func(i *issues.Issue) { i.Spec.Title = "a\nb" }, want: []string{"spec.title"}},
		"LongDescription": {reason: "32 KiB is the limit", change: func(i *issues.Issue) { i.Spec.Description = strings.Repeat("x", 32<<10+1) }, want: []string{"spec.description"}},
		"Type":            {reason: "a type is a DNS label", change: func(i *issues.Issue) { i.Spec.Type = "Build" }, want: []string{"spec.type"}},
		"OpenType":        {reason: "a new type needs no server change", change: func(i *issues.Issue) { i.Spec.Type = "licence-check" }},
		"Severity":        {reason: "severities are an enum", change: func(i *issues.Issue) { i.Spec.Severity = "medium" }, want: []string{"spec.severity"}},
		"Stage":           {reason: "stages are an enum", change: func(i *issues.Issue) { i.Spec.Stage = "push" }, want: []string{"spec.stage"}},
		"Kind":            {reason: "a kind is CamelCase", change: func(i *issues.Issue) { i.Spec.Scope.Kind = "component" }, want: []string{"spec.scope.kind"}},
		"KindVersion":     {reason: "a kind has no version", change: func(i *issues.Issue) { i.Spec.Scope.Kind = "Component.v1" }, want: []string{"spec.scope.kind"}},
		"NamespaceScope":  {reason: "any kind can have a problem", change: func(i *issues.Issue) { i.Spec.Scope.Kind, i.Spec.Scope.Name = "Namespace", "team-gamma" }},
		"OtherScope":      {reason: "of any group", change: func(i *issues.Issue) { i.Spec.Scope.APIGroup, i.Spec.Scope.Kind = "example.com", "Application" }},
		"ScopeName":       {reason: "names have no slash", change: func(i *issues.Issue) { i.Spec.Scope.Name = "a/b" }, want: []string{"spec.scope.name"}},
		"ScopeGroup":      {reason: "groups are DNS subdomains", change: func(i *issues.Issue) { i.Spec.Scope.APIGroup = "apps/v1" }, want: []string{"spec.scope.apiGroup"}},
		"Key":             {reason: "254 bytes are too many", change: func(i *issues.Issue) { i.Spec.Key = strings.Repeat("k", 254) }, want: []string{"spec.key"}},
		"Application":     {reason: "it must fit a label", change: func(i *issues.Issue) { i.Spec.Application = "my shop" }, want: []string{"spec.application"}},
		"Cause":           {reason: "it becomes a condition's reason", change: func(i *issues.Issue) { i.Spec.Cause = "token expired" }, want: []string{"spec.cause"}},
		"LongCause":       {reason: "one error for one mistake", change: func(i *issues.Issue) { i.Spec.Cause = strings.Repeat("X", 129) }, want: []string{"spec.cause"}},
		"Script": {reason: "no address that a browser would run", change: func(i *issues.Issue) {
			i.Spec.Links = []issues.IssueLink{{Title: "x", URL: "javascript:alert(1)", Kind: issues.LinkLog}}
		}, want: []string{"spec.links[0].url"}},
		"Relative": {reason: "addresses are absolute", change: func(i *issues.Issue) { i.Spec.Migration = &issues.IssueMigration{URL: "/help"} }, want: []string{"spec.migration.url"}},
		"NoHost":   {reason: "addresses have a host", change: func(i *issues.Issue) { i.Spec.Migration = &issues.IssueMigration{URL: "https://:80/"} }, want: []string{"spec.migration.url"}},
		"LinkKind": {reason: "kinds of links are an enum", change: func(i *issues.Issue) {
			i.Spec.Links = []issues.IssueLink{{Title: "x", URL: "https://x", Kind: "Video"}}
		}, want: []string{"spec.links[0].kind"}},
		"ManyLinks": {reason: "32 are enough", change: func(i *issues.Issue) { i.Spec.Links = make([]issues.IssueLink, 33) }, want: []string{"spec.links"}},
		"Self": {reason: "an issue is not related to itself", change: func(i *issues.Issue) {
			i.Spec.RelatedIssues = []issues.RelatedIssue{{Name: "broken", Relation: issues.RelationBlocks}}
		}, want: []string{"spec.relatedIssues[0].name"}},
		"RelatedTwice": {reason: "once is enough", change: func(i *issues.Issue) {
			r := issues.RelatedIssue{Name: "x", Relation: issues.RelationBlocks}
			i.Spec.RelatedIssues = []issues.RelatedIssue{r, r}
		}, want: []string{"spec.relatedIssues[1]"}},
		"ExpiresNever": {reason: "zero would expire at once", change: func(i *issues.Issue) { i.Spec.ExpiresAfter = &metav1.Duration{} }, want: []string{"spec.expiresAfter"}},
		"DueNever":     {reason: "the zero time is no date", change: func(i *issues.Issue) { i.Spec.DueDate = &metav1.Time{} }, want: []string{"spec.dueDate"}},
		"FarDueDate": {reason: "its year has five digits in UTC", change: func(i *issues.Issue) {
			i.Spec.DueDate = &metav1.Time{Time: time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600))}
		}, want: []string{"spec.dueDate"}},
		"FarManaged": {reason: "nobody else looks at it", change: func(i *issues.Issue) {
			i.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "m", Operation: "Apply", APIVersion: "v1", FieldsType: "FieldsV1", Time: &metav1.Time{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}}
		}, want: []string{"metadata.managedFields[0].time"}},
		"Null": {reason: "PostgreSQL stores no U+0000", change: func(i *issues.Issue) { i.Spec.Description = "a\x00b" }, want: []string{"spec.description"}},
		"NullDeep": {reason: "wherever it is", change: func(i *issues.Issue) {
			i.Spec.Links = []issues.IssueLink{{Title: "a\x00", URL: "https://x", Kind: issues.LinkLog}}
			i.Annotations = map[string]string{"x": "\x00"}
		}, want: []string{"metadata.annotations[x]", "spec.links[0].title"}},
		"NullGroup":        {reason: "the path is spelt as clients spell it", change: func(i *issues.Issue) { i.Spec.Scope.APIGroup = "\x00" }, want: []string{"spec.scope.apiGroup"}},
		"UTF8":             {reason: "nor invalid UTF-8", change: func(i *issues.Issue) { i.Spec.Key = "\xff" }, want: []string{"spec.key"}},
		"ServerLabel":      {reason: "the server's labels are the server's", change: func(i *issues.Issue) { i.Labels = map[string]string{issue.LabelPrefix + "severity": "info"} }, want: []string{"metadata.labels[issues.kite.dev/severity]"}},
		"ServerLabelRight": {reason: "the same value is fine", change: func(i *issues.Issue) { i.Labels = map[string]string{issue.LabelPrefix + "severity": "major"} }},
		"UnknownLabel":     {reason: "the whole prefix is the server's", change: func(i *issues.Issue) { i.Labels = map[string]string{issue.LabelPrefix + "mine": "x"} }, want: []string{"metadata.labels[issues.kite.dev/mine]"}},
		"OwnLabel":         {reason: "other labels are the client's", change: func(i *issues.Issue) { i.Labels = map[string]string{"team": "gamma"} }},
		"StatusIsIgnored":  {reason: "a new issue's status is not the client's", change: func(i *issues.Issue) { i.Status = issues.IssueStatus{State: "Broken", Occurrences: -1} }},
		"EveryErrorAtOnce": {reason: "by hand and by markers", change: func(i *issues.Issue) { i.Spec.Title, i.Spec.Severity, i.Spec.Cause, i.Spec.Type = "", "x", "a b", "X" }, want: []string{"spec.cause", "spec.title", "spec.type", "spec.severity"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			errs := validateCreate(t, newIssue(tc.change))
			require.ElementsMatch(t, tc.want, paths(errs), "%s: %v", tc.reason, errs)
		})
	}
}

func TestValidateIssueUpdate(t *testing.T) {
	t.Parallel()
	old := newIssue(func(i *issues.Issue) { i.Spec.Stage, i.Spec.Key = issues.StagePullRequest, "41" })
	require.Empty(t, validateCreate(t, old))

	cases := map[string]struct {
		reason string
		change func(*issues.Issue)
		want   []string
	}{
		"Nothing":        {reason: "a write that changes nothing is valid"},
		"Title":          {reason: "people edit titles", change: func(i *issues.Issue) { i.Spec.Title = "edited" }},
		"Severity":       {reason: "labels follow", change: func(i *issues.Issue) { i.Spec.Severity = issues.SeverityCritical }},
		"ScopeUID":       {reason: "a resource can be made anew", change: func(i *issues.Issue) { i.Spec.Scope.UID = "new" }},
		"ScopeDefault":   {reason: "left out, the scope's namespace is the same", change: func(i *issues.Issue) { i.Spec.Scope.Namespace = "" }},
		"Type":           {reason: "the identity stays", change: func(i *issues.Issue) { i.Spec.Type = "test" }, want: []string{"spec.type"}},
		"Stage":          {reason: "the identity stays", change: func(i *issues.Issue) { i.Spec.Stage = "" }, want: []string{"spec.stage"}},
		"Key":            {reason: "the identity stays", change: func(i *issues.Issue) { i.Spec.Key = "42" }, want: []string{"spec.key"}},
		"NoKey":          {reason: "the identity stays", change: func(i *issues.Issue) { i.Spec.Key = "" }, want: []string{"spec.key"}},
		"ScopeGroup":     {reason: "the identity stays", change: func(i *issues.Issue) { i.Spec.Scope.APIGroup = "apps" }, want: []string{"spec.scope.apiGroup"}},
		"ScopeKind":      {reason: "the identity stays", change: func(i *issues.Issue) { i.Spec.Scope.Kind = "Pod" }, want: []string{"spec.scope.kind"}},
		"ScopeNamespace": {reason: "the identity stays", change: func(i *issues.Issue) { i.Spec.Scope.Namespace = "other" }, want: []string{"spec.scope.namespace"}},
		"ScopeName":      {reason: "the identity stays", change: func(i *issues.Issue) { i.Spec.Scope.Name = "cart" }, want: []string{"spec.scope.name"}},
		"Label":          {reason: "the server's labels are the server's", change: func(i *issues.Issue) { i.Labels[issue.LabelPrefix+"state"] = "Resolved" }, want: []string{"metadata.labels[issues.kite.dev/state]"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			obj := old.DeepCopy()
			if tc.change != nil {
				tc.change(obj)
			}
			errs := validateUpdate(t, obj, old)
			require.ElementsMatch(t, tc.want, paths(errs), "%s: %v", tc.reason, errs)
		})
	}
}

func TestValidateIssueStatusUpdate(t *testing.T) {
	t.Parallel()
	old := newIssue(nil)
	require.Empty(t, validateCreate(t, old))
	obj := old.DeepCopy()
	obj.Status.Affected = []issues.AffectedResource{{Kind: "pod"}}
	obj.Status.Remediation = &issues.IssueRemediation{Name: "RR 1"}
	obj.Status.Conditions = append(obj.Status.Conditions, metav1.Condition{Type: "Mine", Status: "Maybe", Reason: "x", LastTransitionTime: metav1.NewTime(now)})
	issue.PrepareStatusUpdate(obj, old, now)
	errs := withMarkers(t, obj, old, "status", validation.ValidateIssueStatusUpdate(obj, old))
	require.ElementsMatch(t, []string{
		"status.conditions[1].status", "status.affected[0].kind", "status.affected[0].name", "status.remediation.name",
	}, paths(errs), "%v", errs)
}

// What the rules produce must be valid under every subresource they write
// through, or the server refuses its own work.
func TestTheServersOwnWritesAreValid(t *testing.T) {
	t.Parallel()
	step := func(name, subresource string, obj, old *issues.Issue) {
		t.Helper()
		obj.UID, obj.ResourceVersion = "u", "1"
		errs := withMarkers(t, obj, nil, "", validation.ValidateIssue(obj))
		if old != nil {
			errs = withMarkers(t, obj, old, subresource, validation.ValidateIssueUpdate(obj, old))
		}
		require.Empty(t, errs, name)
	}
	by := issue.Reporter{User: "robot"}
	report := newReport(func(r *issues.IssueReport) {
		r.Spec.LogExcerpt = strings.Repeat("ä", 32<<10)
		r.Spec.Issue.Cause = "Timeout"
	})
	created := issue.Apply(nil, report, by, now).Issue
	step("create", "", created, nil)

	next := report.DeepCopy()
	next.Spec.Run.UID, next.Spec.Issue.Cause, next.Spec.Issue.Scope.UID = "r-2", "OOMKilled", "s-2"
	updated := issue.Apply(created, next, by, now).Issue
	require.Equal(t, "s-2", string(updated.Spec.Scope.UID))
	step("update", "", updated, created)

	resolved, _ := issue.Resolve(updated, "ann", &issues.IssueResolution{Message: "done"}, now)
	step("resolve", "resolve", resolved, updated)
	reopened, _ := issue.Reopen(resolved, "ann", now)
	step("reopen", "reopen", reopened, resolved)
	acknowledged, err := issue.Acknowledge(reopened, "ann", &issues.IssueAcknowledgement{}, now)
	require.NoError(t, err)
	step("acknowledge", "acknowledge", acknowledged, reopened)

	byHand := newIssue(nil)
	require.Empty(t, validateCreate(t, byHand))
	step("first report of an issue written by hand", "", issue.Apply(byHand, report, by, now).Issue, byHand)
}
