// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuesummary

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/registry/issues/issue"
	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

// record is an issue, or an episode of one that may be gone.
type record struct {
	namespace, uid, name                   string
	severity, kind, application, component string
	active                                 bool
	reopened                               int64
	opened, resolved                       time.Time
}

// world is what the tables hold.
type world struct {
	issues, episodes []record
	// producers are the newest reports by namespace and user.
	producers map[namespace]map[string]time.Time
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// newWorld is random, with many times at the edges of days and weeks.
func newWorld(r *rand.Rand, now time.Time) world {
	w := world{producers: map[namespace]map[string]time.Time{}}
	at := func(days int) time.Time {
		t := now.Add(-time.Duration(r.Int64N(int64(days)*int64(day) + 1)))
		if r.IntN(3) == 0 {
			t = t.Truncate(day).Add(time.Duration(r.IntN(3)-1) * time.Microsecond)
		}
		if t.After(now) {
			return now
		}
		return t.Truncate(time.Microsecond)
	}
	for i := range 200 {
		rec := record{
			namespace: pick(r, "a", "a-b", "b", "c", "none"), name: fmt.Sprint("issue-", i), uid: fmt.Sprint("uid-", i),
			severity: pick(r, "critical", "major", "minor", "info"), kind: pick(r, "build", "test", "own"),
			application: pick(r, "", "shop", "depot"), component: pick(r, "", "x", "y", fmt.Sprint("c-", i)),
			active: r.IntN(2) == 0, reopened: max(0, r.Int64N(8)-4),
		}
		rec.opened = at(pickInt(r, 1, 40, 420))
		if !rec.active {
			rec.resolved = rec.opened.Add(time.Duration(r.Int64N(int64(now.Sub(rec.opened)) + 1))).Truncate(time.Microsecond)
			w.episodes = append(w.episodes, rec)
		}
		if rec.active || r.IntN(4) > 0 {
			w.issues = append(w.issues, rec)
		}
	}
	for _, n := range []namespace{{"a", "uid of a"}, {"b", ""}, {"c", "uid of an older c"}} {
		w.producers[n] = map[string]time.Time{pick(r, "ann", "bob"): at(30).Truncate(time.Second), "robot": at(30).Truncate(time.Second)}
	}
	return w
}

func pickInt(r *rand.Rand, from ...int) int { return from[r.IntN(len(from))] }

// historyUID is where the history of a record is kept: some of it under an older
// namespace of the same name, some without a UID.
func historyUID(rec *record) string {
	switch rec.uid[len(rec.uid)-1] {
	case '0':
		return "uid of an older " + rec.namespace
	case '1':
		return ""
	default:
		return "uid of " + rec.namespace
	}
}

func (w world) write(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	batch := &pgx.Batch{}
	for _, rec := range w.issues {
		state := "Resolved"
		if rec.active {
			state = "Active"
		}
		batch.Queue(`INSERT INTO issues (key, name, namespace, type, severity, stage, problem_key, application, component,
				group_key, origin, scope_kind, scope_name, scope_namespace, state, run_names, run_uids, search_text, opened_at, reopened)
			VALUES ($1, $2, $3, $4, $5, '', '', $6, $7, '', '', '', '', '', $8, '{}', '{}', '', $9, $10)`,
			issue.KeyPrefix+rec.namespace+"/"+rec.name, rec.name, rec.namespace, rec.kind, rec.severity, rec.application, rec.component,
			state, rec.opened, rec.reopened)
	}
	for _, rec := range w.episodes {
		batch.Queue(`INSERT INTO issue_episodes (uid, episode, opened_at, resolved_at, namespace_uid, namespace, name, type,
				severity, application, component, group_key, cause, reason)
			VALUES ($1, 0, $2, $3, $4, $5, $6, '', '', '', '', '', '', '')`,
			rec.uid, rec.opened, rec.resolved, historyUID(&rec), rec.namespace, rec.name)
	}
	require.NoError(t, conn.SendBatch(t.Context(), batch).Close())
	for n, users := range w.producers {
		for name, at := range users {
			_, err := conn.Exec(t.Context(), `INSERT INTO issue_producers AS p VALUES ($1, $2, $3, $4)
				ON CONFLICT (namespace, name) DO UPDATE SET namespace_uid = excluded.namespace_uid, last_report = excluded.last_report`,
				n.name, name, n.uid, at)
			require.NoError(t, err)
		}
	}
}

// model counts one by one.
func (w world) model(n namespace, now time.Time) issues.IssueSummaryStatus {
	now = now.UTC()
	out := issues.IssueSummaryStatus{ObservedAt: metav1.NewMicroTime(now)}
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	for i := 29; i >= 0; i-- {
		out.Days = append(out.Days, issues.IssueTrend{Start: metav1.NewTime(today.AddDate(0, 0, -i))})
	}
	first := today.AddDate(0, -13, 0)
	for first.Weekday() != time.Monday {
		first = first.AddDate(0, 0, -1)
	}
	for at := first; !at.After(today); at = at.AddDate(0, 0, 7) {
		out.Weeks = append(out.Weeks, issues.IssueTrend{Start: metav1.NewTime(at)})
	}
	happened := func(at time.Time, field func(*issues.IssueTrend) *int64) {
		for i := range out.Days {
			if start := out.Days[i].Start.Time; !at.Before(start) && at.Before(start.AddDate(0, 0, 1)) {
				*field(&out.Days[i])++
			}
		}
		for i := range out.Weeks {
			if start := out.Weeks[i].Start.Time; !at.Before(start) && at.Before(start.AddDate(0, 0, 7)) {
				*field(&out.Weeks[i])++
			}
		}
	}
	var took []float64
	for _, rec := range w.episodes {
		if uid := historyUID(&rec); rec.namespace != n.name || uid != "" && uid != n.uid {
			continue
		}
		if rec.resolved.Before(first) {
			continue
		}
		happened(rec.opened, opened)
		happened(rec.resolved, resolved)
		if rec.resolved.After(now.Add(-24 * time.Hour)) {
			out.ResolvedLastDay++
		}
		if !rec.resolved.Before(out.Days[0].Start.Time) {
			took = append(took, rec.resolved.Sub(rec.opened).Seconds())
		}
	}
	for _, rec := range w.issues {
		if rec.namespace != n.name {
			continue
		}
		if rec.reopened > 0 {
			out.MostReopened = append(out.MostReopened, issues.ReopenedIssue{Name: rec.name, Reopened: rec.reopened})
		}
		if !rec.active {
			continue
		}
		happened(rec.opened, opened)
		out.Active.Total++
		for counts, value := range map[*[]issues.IssueCount]string{
			&out.Active.Severities: rec.severity, &out.Active.Types: rec.kind,
			&out.Active.Applications: rec.application, &out.Active.Components: rec.component,
		} {
			countOne(counts, value)
		}
	}
	for _, counts := range []*[]issues.IssueCount{
		&out.Active.Severities, &out.Active.Types, &out.Active.Applications, &out.Active.Components,
	} {
		slices.SortFunc(*counts, func(x, y issues.IssueCount) int {
			if x.Count != y.Count {
				return int(y.Count - x.Count)
			}
			return slices.Compare([]string{x.Value}, []string{y.Value})
		})
	}
	slices.SortFunc(out.MostReopened, func(x, y issues.ReopenedIssue) int {
		if x.Reopened != y.Reopened {
			return int(y.Reopened - x.Reopened)
		}
		return slices.Compare([]string{x.Name}, []string{y.Name})
	})
	out.MostReopened = out.MostReopened[:min(10, len(out.MostReopened))]
	out.TimeToResolve = timeToResolve(took)
	return out
}

func countOne(counts *[]issues.IssueCount, value string) {
	if value == "" {
		return
	}
	for i := range *counts {
		if (*counts)[i].Value == value {
			(*counts)[i].Count++
			return
		}
	}
	*counts = append(*counts, issues.IssueCount{Value: value, Count: 1})
}

func timeToResolve(took []float64) issues.TimeToResolve {
	out := issues.TimeToResolve{Count: int64(len(took))}
	if len(took) == 0 {
		return out
	}
	slices.Sort(took)
	sum := 0.0
	for _, s := range took {
		sum += s
	}
	out.Mean = seconds(sum / float64(len(took)))
	out.P90 = seconds(took[int(math.Ceil(0.9*float64(len(took))))-1])
	return out
}

func openWorld(t testing.TB) (*postgres.Engine, *pgx.Conn) {
	t.Helper()
	cfg := pgtest.Config(t)
	connCfg, err := pgx.ParseConfig(cfg.DSN)
	require.NoError(t, err)
	connCfg.RuntimeParams["search_path"] = cfg.Schema
	conn, err := pgx.ConnectConfig(t.Context(), connCfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return pgtest.Open(t, cfg), conn
}

// TestSummariesAgainstModel counts random issues in SQL and one by one, on days that begin
// and end weeks and months.
func TestSummariesAgainstModel(t *testing.T) {
	t.Parallel()
	for i, now := range []string{
		"2026-11-23T00:00:00Z", "2026-11-22T23:59:59.999999Z", "2026-03-31T12:00:00+02:00", "2028-02-29T06:30:00Z", "2026-01-01T00:00:01Z",
	} {
		t.Run(now, func(t *testing.T) {
			t.Parallel()
			at, err := time.Parse(time.RFC3339Nano, now)
			require.NoError(t, err)
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			w := newWorld(rand.New(rand.NewPCG(seed, uint64(i))), at)
			engine, conn := openWorld(t)
			w.write(t, conn)
			all := []namespace{{"a-b", "uid of a-b"}, {"a", "uid of a"}, {"b", "uid of b"}, {"empty", "uid of empty"}, {"c", "uid of c"}}
			found, err := count(t.Context(), engine, all, newWindow(at))
			require.NoError(t, err)
			for i, n := range all {
				require.Equal(t, n.name, found[i].Namespace)
				one, err := count(t.Context(), engine, []namespace{n}, newWindow(at))
				require.NoError(t, err)
				require.Empty(t, cmp.Diff(found[i], one[0]), "alone and with others: %s", n.name)
				got := found[i].Status
				producers := got.Producers
				got.Producers = nil
				require.Empty(t, cmp.Diff(w.model(n, at), got), n.name)
				require.Equal(t, n.name == "a" || n.name == "b", len(producers) > 0, "%s: %v", n.name, producers)
			}
		})
	}
}
