// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"kite.dev/kite/pkg/apis/issues"
	rules "kite.dev/kite/pkg/issue"
	"kite.dev/kite/pkg/storage/postgres"
)

// NamespaceUIDs tells the UID of a namespace, "" while it is not known. History is kept
// by it.
type NamespaceUIDs func(namespace string) string

// episodeColumn is a column of the table issue_episodes.
type episodeColumn struct {
	postgres.JournalColumn
	value func(*issues.Issue, *rules.Episode) string
}

var episodeColumns = []episodeColumn{
	{
		postgres.JournalColumn{Name: "uid", MaxBytes: maxName, Keeps: postgres.IsKey},
		func(i *issues.Issue, _ *rules.Episode) string { return string(i.UID) },
	},
	{
		postgres.JournalColumn{Name: "episode", Type: postgres.Int, Keeps: postgres.IsKey},
		func(_ *issues.Issue, e *rules.Episode) string { return strconv.Itoa(int(e.Number)) },
	},
	{
		postgres.JournalColumn{Name: "opened_at", Type: postgres.Instant},
		func(_ *issues.Issue, e *rules.Episode) string { return instant(e.OpenedAt) },
	},
	{
		postgres.JournalColumn{Name: "resolved_at", Type: postgres.Instant},
		func(_ *issues.Issue, e *rules.Episode) string { return instant(e.ResolvedAt) },
	},
	episodeText("namespace", func(i *issues.Issue) string { return i.Namespace }),
	episodeText("name", func(i *issues.Issue) string { return i.Name }),
	episodeText("type", func(i *issues.Issue) string { return i.Spec.Type }),
	episodeText("severity", func(i *issues.Issue) string { return string(i.Spec.Severity) }),
	episodeText("application", func(i *issues.Issue) string { return i.Spec.Application }),
	episodeText("component", func(i *issues.Issue) string { return i.Spec.Component }),
	episodeText("group_key", func(i *issues.Issue) string { return i.Spec.GroupKey }),
	episodeText("cause", func(i *issues.Issue) string { return i.Spec.Cause }),
	{
		postgres.JournalColumn{Name: "reason", MaxBytes: maxName},
		func(_ *issues.Issue, e *rules.Episode) string { return e.Reason },
	},
}

// namespaceUIDColumn comes last, since it is not the issue's to tell.
var namespaceUIDColumn = postgres.JournalColumn{Name: "namespace_uid", MaxBytes: maxName, Keeps: postgres.KeepsFirst}

// historian makes the journal's entries: one for each time that an issue was Active and
// is no longer.
type historian struct{ uids NamespaceUIDs }

func journal(uids NamespaceUIDs) *postgres.Journal {
	h := historian{uids}
	out := &postgres.Journal{Table: "issue_episodes", Entry: h.entry, Removed: h.removed}
	for _, column := range episodeColumns {
		out.Columns = append(out.Columns, column.JournalColumn)
	}
	out.Columns = append(out.Columns, namespaceUIDColumn)
	return out
}

func (h historian) entry(obj runtime.Object) (entry []string, complete bool) {
	issue, ok := obj.(*issues.Issue)
	if !ok || issue.Status.State != issues.StateResolved {
		return nil, true
	}
	return h.write(issue, rules.EpisodeOf(issue))
}

// removed ends the episode of an issue that is deleted while it is Active.
func (h historian) removed(obj runtime.Object, at time.Time) []string {
	issue, ok := obj.(*issues.Issue)
	if !ok || issue.Status.State != issues.StateActive {
		return nil
	}
	episode := rules.EpisodeOf(issue)
	episode.End(at, rules.ReasonDeleted)
	entry, _ := h.write(issue, episode)
	return entry
}

// write is complete when the namespace's UID is known. A server that cannot learn it need
// not try again.
func (h historian) write(issue *issues.Issue, episode rules.Episode) (entry []string, complete bool) {
	entry = make([]string, 0, len(episodeColumns)+1)
	for _, column := range episodeColumns {
		entry = append(entry, column.value(issue, &episode))
	}
	if h.uids == nil {
		return append(entry, ""), true
	}
	uid := h.uids(issue.Namespace)
	return append(entry, uid), uid != ""
}

func episodeText(name string, value func(*issues.Issue) string) episodeColumn {
	return episodeColumn{
		postgres.JournalColumn{Name: name, MaxBytes: maxName},
		func(issue *issues.Issue, _ *rules.Episode) string { return value(issue) },
	}
}

// What an instant can be: a year of four digits, which is not 0.
var (
	firstInstant = time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC)
	lastInstant  = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
)

// instant is a time as storage takes it, empty for none.
func instant(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case t.Before(firstInstant):
		t = firstInstant
	case t.After(lastInstant):
		t = lastInstant
	}
	return t.UTC().Format(time.RFC3339Nano)
}
