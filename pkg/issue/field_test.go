// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/issue"
)

func TestFieldsAreWellFormed(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	install.Install(scheme)
	full := apply(nil, failed(1, withRun("a"))).Issue

	paths, labels := map[string]bool{}, map[string]bool{}
	for _, field := range issue.Fields() {
		require.Positive(t, field.MaxBytes, field)
		require.Equal(t, field.Match == issue.MatchAny, field.Values != nil, field.Path)
		require.Equal(t, field.Match == issue.MatchAny, field.Value == nil, field.Path)
		require.Equal(t, field.Match == issue.MatchNone, field.Path == "", field.Label)
		if field.Path != "" {
			require.NotContains(t, paths, field.Path)
			paths[field.Path] = true
			_, _, err := scheme.ConvertFieldLabel(v1alpha1.SchemeGroupVersion.WithKind("Issue"), field.Path, "x")
			require.NoError(t, err, "every selectable field is known to the scheme")
		}
		if field.Label != "" {
			require.NotContains(t, labels, field.Label)
			labels[field.Label] = true
			require.NotNil(t, field.Value)
			require.Equal(t, field.Value(full) != "", full.Labels[field.Label] != "", field.Label)
		}
	}
	require.Len(t, paths, 15)
	require.Len(t, labels, 10)
}

func TestFieldMatches(t *testing.T) {
	t.Parallel()
	current := apply(nil,
		failed(1, withRun("a"), withTitle("100% of ÄPFEL failed")),
		failed(2, withRun("b"), withTitle("100% of ÄPFEL failed")),
		failed(3, func(s *issues.IssueReportSpec) {
			s.Issue.Title, s.Issue.Description = "100% of ÄPFEL failed", "see a_b"
			s.Run = &issues.IssueRun{Name: "nameless"}
		})).Issue
	byPath := map[string]issue.Field{}
	for _, field := range issue.Fields() {
		byPath[field.Path] = field
	}
	cases := map[string]struct {
		reason string
		path   string
		value  string
		want   bool
	}{
		"Type":          {reason: "values compare exactly", path: v1alpha1.FieldType, value: "build", want: true},
		"TypeCase":      {reason: "with regard to case", path: v1alpha1.FieldType, value: "Build"},
		"OlderRun":      {reason: "any kept run matches, not the newest only", path: v1alpha1.FieldRunName, value: "run-a", want: true},
		"RunUID":        {reason: "runs match by UID, too", path: v1alpha1.FieldRunUID, value: "b", want: true},
		"NoRunUID":      {reason: "a run without UID is not found by an empty one", path: v1alpha1.FieldRunUID, value: ""},
		"Search":        {reason: "case does not matter, beyond ASCII either", path: v1alpha1.FieldSearch, value: "äpfel", want: true},
		"SearchPercent": {reason: "a percent sign is an ordinary character", path: v1alpha1.FieldSearch, value: "100% of", want: true},
		"SearchPattern": {reason: "and no wildcard", path: v1alpha1.FieldSearch, value: "100%failed"},
		"SearchUnder":   {reason: "nor is an underscore", path: v1alpha1.FieldSearch, value: "f_iled"},
		"SearchBody":    {reason: "descriptions are searched, too", path: v1alpha1.FieldSearch, value: "A_B", want: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			field := byPath[tc.path]
			require.Equal(t, tc.want, field.Matches(current, tc.value), tc.reason)
		})
	}
}

func TestSearchTextFits(t *testing.T) {
	t.Parallel()
	// Ⱥ has two bytes, and three in lower case.
	current := &issues.Issue{Spec: issues.IssueSpec{
		Title:       strings.Repeat("𝄞", 256),
		Description: strings.Repeat("Ⱥ", 16<<10),
	}}
	for _, field := range issue.Fields() {
		if field.Match == issue.MatchText {
			require.LessOrEqual(t, len(field.Value(current)), field.MaxBytes)
		}
	}
}
