// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
)

func withRuns(names ...string) func(*issues.Issue) {
	return func(issue *issues.Issue) {
		for _, name := range names {
			issue.Status.Runs = append(issue.Status.Runs, issues.IssueRun{Name: name})
		}
		issue.Status.Runs[0].UID = "uid-of-first"
	}
}

func TestPredicate(t *testing.T) {
	t.Parallel()
	obj := newIssue(withRuns("run-1", "run-2"), func(issue *issues.Issue) {
		issue.Labels = map[string]string{"team": "gamma"}
		issue.Spec.Key = "42"
		issue.Spec.Description = "It is 100% broken, see a_b and C:\\tmp.\nÄRGER, ΟΔΟΣ"
		issue.Status.State = issues.StateActive
	})
	for name, tc := range map[string]struct {
		reason   string
		selector string
		want     bool
	}{
		"Everything":         {"no term refuses nothing", "", true},
		"Name":               {"every kind has this field", "metadata.name=build-checkout", true},
		"OtherName":          {"every kind has this field", "metadata.name=other", false},
		"Namespace":          {"every kind has this field", "metadata.namespace=team-gamma", true},
		"Equal":              {"a plain field", "spec.severity=major", true},
		"NotEqual":           {"a plain field, negated", "spec.severity!=major", false},
		"Empty":              {"an absent field is empty", "spec.origin=", true},
		"NotEmpty":           {"an absent field is empty", "spec.origin!=", false},
		"CaseMatters":        {"only search folds", "spec.severity=Major", false},
		"Several":            {"terms are joined by and", "spec.type=build,spec.key=42,status.state=Active", true},
		"SeveralOneWrong":    {"terms are joined by and", "spec.type=build,spec.key=43", false},
		"Run":                {"the newest run", "run.name=run-1", true},
		"OlderRun":           {"any kept run", "run.name=run-2", true},
		"PartOfRun":          {"membership is no search", "run.name=run", false},
		"TwoRunsAtOnce":      {"the mark between members is no way in", "run.name=run-1\x00run-2", false},
		"NoSuchRun":          {"negated membership", "run.name!=run-3", true},
		"NotThisRun":         {"negated membership", "run.name!=run-2", false},
		"RunUID":             {"runs have UIDs", "run.uid=uid-of-first", true},
		"EmptyRunUID":        {"a run without UID is not found by an empty one", "run.uid=", false},
		"SearchTitle":        {"any case", "search=bUILD OF", true},
		"SearchDescription":  {"any case, beyond ASCII", "search=ärger", true},
		"SearchSigma":        {"folding is the same on both sides", "search=ΟΔΟ", true},
		"SearchPercent":      {"an ordinary character", "search=100%", true},
		"SearchPercentOnly":  {"no wildcard", "search=is%broken", false},
		"SearchUnderscore":   {"an ordinary character", "search=a_b", true},
		"SearchNoWildcard":   {"no wildcard", "search=1_0", false},
		"SearchBackslash":    {"an ordinary character, doubled by selector syntax", "search=c:\\\\tmp", true},
		"SearchAcrossFields": {"title and description are apart", "search=failsit", false},
		"SearchNot":          {"does not contain", "search!=checkout", false},
		"SearchNotOther":     {"does not contain", "search!=payments", true},
		"SearchTwice":        {"both must be there", "search=build,search=broken", true},
		"SearchMixed":        {"together with a plain field", "search=build,spec.severity=minor", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parsed, err := fields.ParseSelector(strings.ReplaceAll(tc.selector, "\\x00", "\x00"))
			require.NoError(t, err)
			p := predicate(labels.Everything(), parsed)
			got, err := p.Matches(obj)
			require.NoError(t, err)
			require.Equal(t, tc.want, got, tc.reason)

			full, err := matchesFull(p.Field, obj)
			require.NoError(t, err)
			require.Equal(t, got, full, "all attributes and only the wanted ones decide alike")
			require.Equal(t, parsed.Requirements(), p.Field.Requirements(), "storage sees every term")
			require.Equal(t, parsed.String(), p.Field.String())
			require.Equal(t, got, p.Field.DeepCopySelector().Matches(attributes(t, obj)))
		})
	}
}

func attributes(t testing.TB, obj runtime.Object) fields.Set {
	t.Helper()
	_, set, err := GetAttrs(obj)
	require.NoError(t, err)
	return set
}

func matchesFull(selector fields.Selector, obj runtime.Object) (bool, error) {
	_, set, err := GetAttrs(obj)
	return selector.Matches(set), err
}

func TestPredicateLabels(t *testing.T) {
	t.Parallel()
	label, err := labels.Parse("team in (gamma,delta)")
	require.NoError(t, err)
	p := predicate(label, fields.Everything())
	obj := newIssue(func(issue *issues.Issue) { issue.Labels = map[string]string{"team": "gamma"} })
	matched, err := p.Matches(obj)
	require.NoError(t, err)
	require.True(t, matched)
}

func TestSelectorTransform(t *testing.T) {
	t.Parallel()
	s := newSelector(fields.OneTermEqualSelector(v1alpha1.FieldSearch, "FAILS"))
	same, err := s.Transform(func(field, value string) (string, string, error) { return field, value, nil })
	require.NoError(t, err)
	require.True(t, same.Matches(fields.Set{v1alpha1.FieldSearch: "it fails"}), "a copy searches, too")
	_, exact := same.RequiresExactMatch(v1alpha1.FieldSearch)
	require.False(t, exact, "a part of a text is not its value")
	_, err = s.Transform(func(string, string) (string, string, error) { return "", "", errUnchanged })
	require.ErrorIs(t, err, errUnchanged)
}

func TestCheckSelector(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason string
		text   string
		ok     bool
	}{
		"Empty":     {"finds everything", "", false},
		"One":       {"finds nearly everything", "x", false},
		"Two":       {"the least", "ab", true},
		"Most":      {"counted in characters", strings.Repeat("ä", 128), true},
		"TooLong":   {"counted in characters", strings.Repeat("a", 129), false},
		"OneBigOne": {"counted in characters", "𝄞", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, selector := range []fields.Selector{
				fields.OneTermEqualSelector(v1alpha1.FieldSearch, tc.text),
				fields.OneTermNotEqualSelector(v1alpha1.FieldSearch, tc.text),
			} {
				err := CheckSelector(&metainternalversion.ListOptions{FieldSelector: selector})
				if tc.ok {
					require.NoError(t, err, tc.reason)
					continue
				}
				require.True(t, apierrors.IsBadRequest(err), "%s: %v", tc.reason, err)
			}
		})
	}
	require.NoError(t, CheckSelector(nil))
	require.NoError(t, CheckSelector(&metainternalversion.ListOptions{}))
}

// TestFieldsAgree compares what the table of fields leads to: labels that requests
// may name, attributes, and columns.
func TestFieldsAgree(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	install.Install(scheme)
	paths := []string{fieldName, fieldNamespace}
	for _, field := range rules.Fields() {
		if field.Path == "" {
			continue
		}
		paths = append(paths, field.Path)
		require.NotEmpty(t, columns[field.Path], "no column for %s", field.Path)
	}
	require.Len(t, columns, len(paths)-2, "columns without field")
	for _, path := range paths {
		_, _, err := scheme.ConvertFieldLabel(v1alpha1.SchemeGroupVersion.WithKind("Issue"), path, "x")
		require.NoError(t, err, "a request cannot name %s", path)
	}

	set := attributes(t, newIssue())
	columnOf := map[string]bool{}
	for _, column := range Projection().Columns {
		if column.Field != "" {
			columnOf[column.Field] = true
		}
	}
	for _, path := range paths {
		require.Contains(t, set, path)
		require.True(t, columnOf[path], "%s is not projected", path)
	}
	require.Len(t, set, len(paths))
	require.Len(t, columnOf, len(paths))
}

// FuzzSearch compares the selector with its definition, and with what storage does
// with it: a row that storage leaves out must not match.
func FuzzSearch(f *testing.F) {
	for _, seed := range []struct{ want, title, description string }{
		{"build", "Build fails", ""}, {"%_", "100%_", "x"}, {"İ", "İi", "i̇"}, {"ß", "SS", "ẞ"}, {"a,b=c\\", "A,B=C\\", "\n"},
	} {
		f.Add(seed.want, seed.title, seed.description)
	}
	f.Fuzz(func(t *testing.T, want, title, description string) {
		obj := newIssue(func(issue *issues.Issue) { issue.Spec.Title, issue.Spec.Description = title, description })
		set := attributes(t, obj)
		s := newSelector(fields.OneTermEqualSelector(v1alpha1.FieldSearch, want))
		matched := s.Matches(set)
		require.Equal(t, strings.Contains(strings.ToLower(title+"\n"+description), strings.ToLower(want)), matched)
		require.NotEqual(t, matched, newSelector(fields.OneTermNotEqualSelector(v1alpha1.FieldSearch, want)).Matches(set))

		parsed, err := fields.ParseSelector(s.String())
		require.NoError(t, err)
		require.Equal(t, matched, newSelector(parsed).Matches(set), "selector syntax changes nothing")
		for _, column := range Projection().Columns {
			if column.Field == v1alpha1.FieldSearch && matched {
				require.Contains(t, column.Value(obj), strings.ToLower(want))
			}
		}
	})
}
