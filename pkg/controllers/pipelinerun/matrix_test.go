// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

var updateGolden = flag.Bool("update", false, "write testdata/matrix.golden")

// marks are the values of the labels that decide what a run's problem is.
type marks struct{ kind, event, pull, branch, application, component, scenario string }

// matrix is every combination.
func matrix(kinds []string) []marks {
	var out []marks
	for _, kind := range kinds {
		for _, event := range []string{"", "push", "Push", "incoming", "pull_request", "Merge_Request", "retest-all-comment"} {
			for rest := range 1 << 5 {
				pick := func(bit int, without, with string) string { return []string{without, with}[rest>>bit&1] }
				out = append(out, marks{
					kind, event, pick(4, "", "42"), pick(3, "main", "refs/heads/next"),
					pick(2, "", "shop"), pick(1, "", "frontend"), pick(0, "", "e2e"),
				})
			}
		}
	}
	return out
}

// run has the names of Pipelines-as-Code with a prefix, as labels or annotations.
func (m marks) run(pacNames func(name, value string) runOption, prefix string) *tektonv1.PipelineRun {
	options := []runOption{embedded("web-")}
	add := func(set func(name, value string) runOption, name, value string) {
		if value != "" {
			options = append(options, set(name, value))
		}
	}
	add(label, labelRunType, m.kind)
	add(label, labelApplication, m.application)
	add(label, labelComponent, m.component)
	add(label, labelScenario, m.scenario)
	add(pacNames, prefix+pacEventType, m.event)
	add(pacNames, prefix+pacPullRequest, m.pull)
	add(pacNames, prefix+pacBranch, m.branch)
	return failing(options...)
}

func (m marks) String() string {
	return fmt.Sprintf("type=%-8s event=%-19s pull=%-3s branch=%-16s application=%-5s component=%-9s scenario=%-4s",
		m.kind, m.event, m.pull, m.branch, m.application, m.component, m.scenario)
}

func identityLine(issue *issuesv1alpha1.ReportedIssue) string {
	expires := "stays"
	if issue.ExpiresAfter != nil {
		expires = "expires"
	}
	return fmt.Sprintf("%-8s %-20s stage=%-11s key=%-7s %s",
		issue.Type, issue.Scope.Kind+"/"+issue.Scope.Name, issue.Stage, issue.Key, expires)
}

// TestLabelMatrix compares what every combination of labels makes of a run with what was
// reviewed: -update writes it anew. However Pipelines-as-Code's names are written, the
// identity is the same.
func TestLabelMatrix(t *testing.T) {
	t.Parallel()
	const golden = "testdata/matrix.golden"
	var got strings.Builder
	for _, m := range matrix([]string{"", "build", "test", "release"}) {
		issue := identity(m.run(label, pacPrefix))
		fmt.Fprintf(&got, "%s -> %s\n", m, identityLine(&issue))
		for _, prefix := range []string{pacPrefix, testPrefix, testPrefix + pacPrefix} {
			require.Equal(t, issue, identity(m.run(label, prefix)), "%s, labels %s", m, prefix)
			require.Equal(t, issue, identity(m.run(annotation, prefix)), "%s, annotations %s", m, prefix)
		}
	}
	if *updateGolden {
		require.NoError(t, os.WriteFile(golden, []byte(got.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String())
}

// TestMatrixTellsProblemsApart: a green run never resolves the issue of a run that differs
// from it in anything but the name of the event. The events of a push are the same, and so
// are a pull request's. Branches tell pushes and releases apart, applications tests of no component.
func TestMatrixTellsProblemsApart(t *testing.T) {
	t.Parallel()
	all := matrix([]string{"", "build", "test", "release"})
	runs := make([]*tektonv1.PipelineRun, 0, len(all))
	for _, m := range all {
		runs = append(runs, m.run(label, pacPrefix))
	}
	for i, a := range all {
		for j, b := range all[:i] {
			x, y := runs[i], runs[j]
			same := typeOf(x) == typeOf(y) && stageOf(x) == stageOf(y) && a.component == b.component && a.scenario == b.scenario
			switch stageOf(x) {
			case issuesv1alpha1.StagePullRequest:
				same = same && a.pull == b.pull
			case issuesv1alpha1.StagePush, issuesv1alpha1.StageRelease:
				same = same && a.branch == b.branch
			}
			if a.component == "" && typeOf(x) == issuesv1alpha1.TypeTest {
				same = same && a.application == b.application
			}
			if have := sameProblem(x, y); have != same {
				require.Failf(t, "told apart wrongly", "want the same: %t\n%s\n%s", same, a, b)
			}
		}
	}
}

// TestMatrixOfReleases: whatever else their labels say, runs of the release service are the
// Release monitor's.
func TestMatrixOfReleases(t *testing.T) {
	t.Parallel()
	for _, m := range matrix([]string{"managed", "tenant", "final", "managed-collectors", "tenant-collectors"}) {
		require.Equal(t, "Release", otherProducer(m.run(label, pacPrefix)), m.String())
	}
	for _, m := range matrix([]string{"", "build", "test", "release"}) {
		run := m.run(label, pacPrefix)
		require.Empty(t, otherProducer(run), m.String())
		run.Labels[labelService] = "release"
		require.Equal(t, "Release", otherProducer(run), m.String())
	}
}

// TestMatrixOfUpdates: in MintMaker's namespace the component that a run is for decides,
// and nothing else.
func TestMatrixOfUpdates(t *testing.T) {
	t.Parallel()
	config := testConfig(t)
	want := config.identityOf(update(label(labelApplication, "shop")))
	for _, m := range matrix([]string{"", "build", "test", "release"}) {
		run := m.run(label, pacPrefix)
		run.Namespace, run.Labels[labelApplication] = config.MintMakerNamespace, "shop"
		maps.Copy(run.Labels, update().Labels)
		require.Equal(t, want, config.identityOf(run), m.String())
		require.Equal(t, "team-gamma", config.home(run), m.String())
	}
}
