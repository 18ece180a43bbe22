// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// Texts to search for.
const (
	// FrequentText is in one of 24 issues.
	FrequentText = "Connection Refused"
	// RareText is in one issue of each tenth namespace.
	RareText = "quorum lost"
	// NoText is in none.
	NoText = "flux capacitor"
)

// SharedGroup has one member in each namespace. OwnGroup has about groupSize members in
// neighbouring namespaces.
const (
	SharedGroup = "CVE-2026-10000"
	groupSize   = 15
	// groupedEach is one of how many issues that belongs to a group.
	groupedEach = 50
	ownGroups   = PerNamespace/groupedEach - 1
)

// OwnGroup is the first group of a namespace.
func OwnGroup(namespace int) string { return group(namespace, 1) }

// group is that of the jth grouped issue of a namespace.
func group(namespace, j int) string {
	if j == 0 {
		return SharedGroup
	}
	return fmt.Sprintf("CVE-2026-%d", 20000+(namespace*ownGroups+j-1)/groupSize)
}

// What issues are about, each type and severity as often as it stands here.
var (
	problemTypes = []string{
		"build", "build", "build", "build", "build", "build", "build", "test", "test", "test", "test", "test",
		"dependency", "dependency", "dependency", "release", "release", "pipeline", "policy", "runtime",
	}
	severities = []v1alpha1.IssueSeverity{
		v1alpha1.SeverityCritical,
		v1alpha1.SeverityMajor, v1alpha1.SeverityMajor, v1alpha1.SeverityMajor, v1alpha1.SeverityMajor, v1alpha1.SeverityMajor,
		v1alpha1.SeverityMinor, v1alpha1.SeverityMinor, v1alpha1.SeverityMinor,
		v1alpha1.SeverityInfo,
	}
	stages = map[string]v1alpha1.IssueStage{
		"build": v1alpha1.StagePush, "test": v1alpha1.StagePullRequest, "dependency": v1alpha1.StagePullRequest, "release": v1alpha1.StageRelease,
	}
	components = strings.Fields("checkout cart catalog search pricing stock orders invoices payments refunds shipping returns " +
		"accounts login profile mail push-messages gateway images reports exports imports scheduler audit console")
	tasks    = strings.Fields("clone compile unit-test lint push-image sign scan deploy smoke-test e2e-test verify-policy tag")
	symptoms = []string{
		"exited with code 3", "timed out after 3600 seconds", "the image could not be pulled", "connection refused by the registry",
		"no space left on device", "certificate has expired", "assertion failed in TestCheckoutTotal", "out of memory",
		"permission denied", "the token has no access to the repository", "checksum mismatch of a module", "merge conflict in go.sum",
		"unknown flag", "rate limit exceeded", "no such host", "panic: nil pointer dereference", "lock file is out of date",
		"quota exceeded", "image has no signature", "readiness probe failed", "pod was evicted", "too many open files",
		"unsupported media type", "syntax error in Dockerfile",
	}
	causes = []string{"TokenExpired", "RegistryAuthFailed", "DependencyConflict", "AppNotInstalled"}
)

// Failure is a report of issue i.
func (p Population) Failure(i int) *v1alpha1.IssueReport {
	at, n := i%p.Namespaces, i/p.Namespaces
	r := rand.New(rand.NewPCG(uint64(n), 0))
	namespace := p.Namespace(at)
	kind, task, symptom := pick(r, problemTypes), pick(r, tasks), pick(r, symptoms)
	component := fmt.Sprintf("%s-%04d", components[n%len(components)], at)
	out := &v1alpha1.IssueReport{ObjectMeta: metav1.ObjectMeta{Namespace: namespace}}
	out.Spec.Outcome = v1alpha1.OutcomeFailed
	out.Spec.ObservedAt = &metav1.MicroTime{Time: p.Now.Add(-time.Duration(1+n*7919%10000) * time.Minute).Truncate(time.Microsecond)}
	out.Spec.Run = run(namespace, i)
	out.Spec.Issue = v1alpha1.ReportedIssue{
		Title:    fmt.Sprintf("%s of %s failed in task %s: %s", kind, component, task, symptom),
		Type:     kind,
		Severity: pick(r, severities), Stage: stages[kind], Key: strconv.Itoa(n),
		Scope:       v1alpha1.IssueScope{APIGroup: "appstudio.redhat.com", Kind: "Component", Name: component},
		Application: fmt.Sprintf("suite-%d-%04d", n%5, at), Component: component,
	}
	if n == PerNamespace/2 && at%10 == 0 {
		out.Spec.Issue.Title += ", " + RareText
	}
	if j := n / groupedEach; n%groupedEach == j%activeEach { // as many of them are Active as of all
		out.Spec.Issue.GroupKey, out.Spec.Issue.Cause, out.Spec.Issue.Origin = group(at, j), pick(r, causes), "mintmaker"
	}
	return out
}

func run(namespace string, i int) *v1alpha1.IssueRun {
	name := fmt.Sprintf("run-%07d", i)
	return &v1alpha1.IssueRun{
		Kind: "PipelineRun", Namespace: namespace, Name: name, UID: types.UID(name), Outcome: v1alpha1.OutcomeFailed,
		URL: "https://console.example.com/ns/" + namespace + "/pipelinerun/" + name,
	}
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
