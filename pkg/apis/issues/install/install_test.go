// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/apitesting/roundtrip"
	"k8s.io/apimachinery/pkg/runtime"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/fuzzer"
	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	roundtrip.RoundTripTestForAPIGroup(t, install.Install, fuzzer.Funcs)
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	install.Install(scheme)

	in := &v1alpha1.Issue{Spec: v1alpha1.IssueSpec{Links: []v1alpha1.IssueLink{{Title: "log"}}}}
	scheme.Default(in)
	out := &issues.Issue{}
	require.NoError(t, scheme.Convert(in, out, nil))
	require.Equal(t, issues.LinkOther, out.Spec.Links[0].Kind)
}

func TestFieldLabels(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	install.Install(scheme)

	cases := map[string]struct {
		reason string
		label  string
		known  bool
	}{
		"Name":      {reason: "kubectl and informers select one object by name", label: "metadata.name", known: true},
		"Namespace": {reason: "cluster-wide lists narrow to a namespace", label: "metadata.namespace", known: true},
		"Severity":  {reason: "fields of the spec select", label: v1alpha1.FieldSeverity, known: true},
		"RunName":   {reason: "CI systems ask for one run", label: v1alpha1.FieldRunName, known: true},
		"Search":    {reason: "text search is a field selector of its own", label: v1alpha1.FieldSearch, known: true},
		"Title":     {reason: "a field that has no index is refused, not ignored", label: "spec.title"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			label, value, err := scheme.ConvertFieldLabel(v1alpha1.SchemeGroupVersion.WithKind("Issue"), tc.label, "x")
			if !tc.known {
				require.ErrorContains(t, err, tc.label, tc.reason)
				return
			}
			require.NoError(t, err, tc.reason)
			require.Equal(t, tc.label, label, tc.reason)
			require.Equal(t, "x", value, tc.reason)
		})
	}
}
