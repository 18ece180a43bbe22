// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package rule

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

func defaults(t testing.TB) *Set {
	t.Helper()
	set, err := BuiltIn()
	require.NoError(t, err)
	return set
}

// TestRenovatesMessages: lines as Renovate prints them, shortened.
func TestRenovatesMessages(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		log   string
		cause string
	}{
		"GitLabToken": {
			`{"err":{"message":"Response code 401 (Unauthorized)","response":{"body":{"error":"invalid_token","error_description":"Token is expired. You can either do re-authorization or token refresh."}}},"level":20,"msg":"Gitlab API error"}`,
			"TokenExpired",
		},
		"GitHubToken":    {`{"level":40,"msg":"Bad credentials - aborting","repository":"team/web"}`, "TokenExpired"},
		"Authentication": {`{"level":40,"msg":"Authentication error - aborting","repository":"team/web"}`, "TokenExpired"},
		"Registry":       {`{"level":20,"registryHost":"https://quay.io","dockerRepository":"team/base","msg":"Unauthorized docker lookup"}`, "RegistryAuthFailed"},
		"Quay":           {`Error: reading manifest latest in quay.io/team/base: unauthorized: access to the requested resource is not authorized`, "RegistryAuthFailed"},
		"Npm":            {`{"level":20,"msg":"rawExec err","err":{"message":"Command failed: npm install\nnpm ERR! code ERESOLVE\nnpm ERR! ERESOLVE could not resolve"}}`, "DependencyConflict"},
		"Pip":            {"ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/", "DependencyConflict"},
		"Poetry":         {"Because web depends on both a (^1) and b (^2), version solving failed.", "DependencyConflict"},
		"App":            {`{"level":40,"msg":"Integration unauthorized - aborting","repository":"team/web"}`, "AppNotInstalled"},
		"AppAnswer":      {`{"level":20,"msg":"GitHub failure","err":{"message":"Resource not accessible by integration"}}`, "AppNotInstalled"},
		"Config":         {`{"level":50,"msg":"Found renovate config errors","errors":[]}`, "ConfigInvalid"},
		"Limit":          {`{"level":20,"msg":"Reached PR limit - skipping PR creation"}`, "PullRequestLimit"},
		"Command":        {`{"level":20,"msg":"rawExec err","err":{"message":"Command failed: make"}}`, "CommandFailed"},
		"Commit":         {`{"level":50,"msg":"Platform-native commit: unknown error"}`, "CommitFailed"},
		"Nothing":        {`{"level":30,"msg":"Repository finished"}`, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := defaults(t).Examine(Evidence{Type: "dependency", Log: "start\n" + tc.log + "\nRepository finished"})
			require.Equal(t, tc.cause, found.Cause)
		})
	}
}

func TestGroupKey(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason   string
		evidence Evidence
		key      string
	}{
		"Log":       {"what Renovate worked on", Evidence{Type: "dependency", Log: "Fixes CVE-2024-1234."}, "CVE-2024-1234"},
		"Last":      {"what stands last is nearest to the failure", Evidence{Type: "dependency", Log: "CVE-2023-1111\nCVE-2024-1234\ndone"}, "CVE-2024-1234"},
		"Build":     {"a build's log may list anything", Evidence{Type: "build", Log: "scan: CVE-2024-1234"}, ""},
		"Label":     {"whoever started the run knows best", Evidence{Type: "build", Labels: map[string]string{"issues.kite.dev/group": "shared-library-v2.1"}}, "shared-library-v2.1"},
		"LabelWins": {"the first rule wins", Evidence{Type: "dependency", Labels: map[string]string{"issues.kite.dev/group": "mine"}, Log: "CVE-2024-1234"}, "mine"},
		"Title":     {"of the change", Evidence{Type: "dependency", Labels: map[string]string{"pipelinesascode.tekton.dev/sha-title": "Update x [SECURITY] CVE-2024-99999"}}, "CVE-2024-99999"},
		"NoKey":     {"what is no key is none", Evidence{Type: "build", Labels: map[string]string{"issues.kite.dev/group": "a b"}}, ""},
		"Long":      {"nor is what is too long", Evidence{Type: "build", Labels: map[string]string{"issues.kite.dev/group": strings.Repeat("x", 254)}}, ""},
		"Old":       {"only the end of a log is looked at", Evidence{Type: "dependency", Log: "CVE-2024-1234\n" + strings.Repeat("x\n", MaxText)}, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.key, defaults(t).Examine(tc.evidence).GroupKey, tc.reason)
		})
	}
}

func TestFinding(t *testing.T) {
	t.Parallel()
	found := defaults(t).Examine(Evidence{Type: "dependency", Log: "[SECURITY] CVE-2024-1234\nBad credentials"})
	require.Equal(t, Finding{
		GroupKey: "CVE-2024-1234", Title: "[SECURITY] CVE-2024-1234: ", Severity: issuesv1alpha1.SeverityCritical, Cause: "TokenExpired",
		Links: []issuesv1alpha1.IssueLink{
			{Title: "CVE-2024-1234", URL: "https://www.cve.org/CVERecord?id=CVE-2024-1234", Kind: issuesv1alpha1.LinkVulnerability},
			{Title: "Renew the token with which the repository is read", URL: "https://docs.renovatebot.com/modules/platform/gitlab/", Kind: issuesv1alpha1.LinkDocumentation},
		},
	}, found)
}

func TestSeverity(t *testing.T) {
	t.Parallel()
	set, err := compile(`
groups:
  - {match: 'CVE-\d+', in: [Log], severity: major}
severities:
  - {match: '^team/tier=prod$', in: [Labels], severity: critical}
  - {match: '^team/tier=', in: [Labels], types: [build], severity: info}
`)
	require.NoError(t, err)
	cases := map[string]struct {
		reason string
		kind   string
		labels map[string]string
		log    string
		want   issuesv1alpha1.IssueSeverity
	}{
		"None":    {"the issue's own stays", "build", nil, "", issuesv1alpha1.SeverityMinor},
		"Worse":   {"the first rule wins", "build", map[string]string{"team/tier": "prod"}, "", issuesv1alpha1.SeverityCritical},
		"Less":    {"a rule may make it less bad", "build", map[string]string{"team/tier": "dev"}, "", issuesv1alpha1.SeverityInfo},
		"Type":    {"the rule is for builds", "test", map[string]string{"team/tier": "dev"}, "", issuesv1alpha1.SeverityMinor},
		"Group":   {"a group makes it worse", "build", map[string]string{"team/tier": "dev"}, "CVE-1", issuesv1alpha1.SeverityMajor},
		"Already": {"a group makes nothing less bad", "build", map[string]string{"team/tier": "prod"}, "CVE-1", issuesv1alpha1.SeverityCritical},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := set.Examine(Evidence{Type: tc.kind, Severity: issuesv1alpha1.SeverityMinor, Labels: tc.labels, Log: tc.log})
			require.Equal(t, tc.want, found.Severity, tc.reason)
		})
	}
}

func TestOptionalScenario(t *testing.T) {
	t.Parallel()
	optional := map[string]string{"test.appstudio.openshift.io/optional": "true"}
	for kind, want := range map[string]issuesv1alpha1.IssueSeverity{"test": issuesv1alpha1.SeverityMinor, "build": issuesv1alpha1.SeverityMajor} {
		found := defaults(t).Examine(Evidence{Type: kind, Severity: issuesv1alpha1.SeverityMajor, Labels: optional})
		require.Equal(t, want, found.Severity)
	}
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		labels map[string]string
		want   string
	}{
		"Annotation": {"as the Git host names it", map[string]string{"pipelinesascode.tekton.dev/sender": "dependabot[bot]"}, "dependabot"},
		"Label":      {"as it fits into a label", map[string]string{"pipelinesascode.tekton.dev/sender": "renovate__bot"}, "renovate"},
		"Test":       {"of a test's run", map[string]string{"pac.test.appstudio.openshift.io/sender": "renovate[bot]"}, "renovate"},
		"Person":     {"nobody knows", map[string]string{"pipelinesascode.tekton.dev/sender": "somebody"}, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, defaults(t).Examine(Evidence{Type: "build", Labels: tc.labels}).Origin, tc.reason)
		})
	}
}

func compile(text string) (*Set, error) {
	rules := &configv1alpha1.ReportRules{}
	if err := yaml.UnmarshalStrict([]byte(text), rules); err != nil {
		return nil, err
	}
	set, errs := Compile(rules, field.NewPath("rules"))
	return set, errs.ToAggregate()
}

// TestMistakesAreTold all at once, each with its place.
func TestMistakesAreTold(t *testing.T) {
	t.Parallel()
	_, err := compile(`
groups:
  - match: '('
    in: [Labels, Body]
  - key: $1
    severity: urgent
    link: {title: x, url: 'javascript:alert(1)'}
causes:
  - cause: no reason
    match: '.*'
    in: [Log]
    help: {url: https://example.com}
  - match: '(a{500}){100}'
    in: []
severities:
  - {match: x, in: [Log]}
  - {match: x, in: [Log], severity: bad}
origins:
  - {match: x, in: [Log], origin: 'some body'}
  - {match: x, in: [Log]}
`)
	require.Error(t, err)
	want := []string{
		`rules.groups[0].match: Invalid value: "(": error parsing regexp: missing closing )`,
		`rules.groups[0].in[1]: Unsupported value: "Body"`,
		`rules.groups[1].match: Invalid value: "": must not match everything`,
		"rules.groups[1].in: Required value",
		`rules.groups[1].severity: Unsupported value: "urgent"`,
		`rules.groups[1].link.url: Invalid value: "javascript:alert(1)": must be an absolute http or https address`,
		`rules.causes[0].cause: Invalid value: "no reason": must be a reason in CamelCase`,
		"rules.causes[0].match: Invalid value: \".*\": must not match everything",
		"rules.causes[0].help.title: Required value",
		"rules.causes[1].match: Invalid value: \"(a{500}){100}\": error parsing regexp: invalid repeat count",
		"rules.causes[1].in: Required value",
		"rules.causes[1].cause: Invalid value",
		"rules.severities[0].severity: Unsupported value",
		`rules.severities[1].severity: Unsupported value: "bad"`,
		`rules.origins[0].origin: Invalid value: "some body"`,
		"rules.origins[1].origin: Invalid value",
	}
	for _, mistake := range want {
		require.ErrorContains(t, err, mistake)
	}
	var all utilerrors.Aggregate
	require.ErrorAs(t, err, &all)
	require.Len(t, all.Errors(), len(want), err)
}

func TestBounds(t *testing.T) {
	t.Parallel()
	rule := func(match string) string { return "  - {cause: X, in: [Log], match: '" + match + "'}\n" }
	for name, tc := range map[string]struct{ text, want string }{
		"Rules":        {"causes:\n" + strings.Repeat(rule("x"), maxRules+1), "must have at most 200 items"},
		"Expression":   {"causes:\n" + rule(strings.Repeat("x", maxExpression+1)), "must have at most 1024 bytes"},
		"Instructions": {"causes:\n" + rule("(abcdefgh){400}"), "is too large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := compile(tc.text)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// TestHostileText takes no longer than its length allows.
func TestHostileText(t *testing.T) {
	t.Parallel()
	set := defaults(t)
	start := time.Now()
	for _, text := range []string{strings.Repeat("CVE-2024-", MaxText), strings.Repeat("could not \n", MaxText), strings.Repeat("\xff\x00", MaxText)} {
		require.Empty(t, set.Examine(Evidence{Type: "dependency", Log: text, Title: text}).GroupKey)
	}
	require.Less(t, time.Since(start), 30*time.Second)
}
