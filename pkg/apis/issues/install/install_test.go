// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"math/rand"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	"k8s.io/apimachinery/pkg/api/apitesting/roundtrip"
	"k8s.io/apimachinery/pkg/api/equality"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor"
	"k8s.io/apimachinery/pkg/util/sets"

	"kite.dev/kite/pkg/apis/issues"
	issuesfuzzer "kite.dev/kite/pkg/apis/issues/fuzzer"
	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	roundtrip.RoundTripTestForAPIGroup(t, install.Install, issuesfuzzer.Funcs)
}

// TestRoundTripUnstructured: every kind as JSON and as CBOR holds the same, and comes back
// the same, also by way of clients that do not know the kind.
func TestRoundTripUnstructured(t *testing.T) {
	t.Parallel()
	scheme := newScheme()
	unversioned := sets.New[schema.GroupVersionKind]()
	for gvk := range scheme.AllKnownTypes() {
		if !scheme.Recognizes(gvk.GroupKind().WithVersion(runtime.APIVersionInternal)) {
			unversioned.Insert(gvk)
		}
	}
	roundtrip.RoundtripToUnstructured(t, scheme, fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, issuesfuzzer.Funcs), nil, unversioned)
}

// TestRoundTripFormats: what the server sends in each of its formats is what it reads.
func TestRoundTripFormats(t *testing.T) {
	t.Parallel()
	scheme := newScheme()
	codecs := serializer.NewCodecFactory(scheme)
	formats := map[string]runtime.Serializer{"CBOR": cbor.NewSerializer(scheme, scheme)}
	for _, info := range codecs.SupportedMediaTypes() {
		if info.MediaType == runtime.ContentTypeProtobuf {
			continue // our kinds have no such form
		}
		formats[info.MediaType], formats[info.MediaType+" strict"] = info.Serializer, info.StrictSerializer
	}
	filler := fuzzer.FuzzerFor(fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, issuesfuzzer.Funcs), rand.NewSource(rand.Int63()), codecs)
	for name, format := range formats {
		codec := codecs.CodecForVersions(format, format, v1alpha1.SchemeGroupVersion, issues.SchemeGroupVersion)
		for kind := range scheme.KnownTypes(issues.SchemeGroupVersion) {
			if roundtrip.GlobalNonRoundTrippableTypes().Has(kind) {
				continue
			}
			for range *roundtrip.FuzzIters {
				in, err := scheme.New(issues.SchemeGroupVersion.WithKind(kind))
				require.NoError(t, err)
				filler.Fill(in)
				in.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
				data, err := runtime.Encode(codec, in)
				require.NoError(t, err, "%s %s", name, kind)
				out, err := runtime.Decode(codec, data)
				require.NoError(t, err, "%s %s: %s", name, kind, data)
				require.True(t, equality.Semantic.DeepEqual(in, out), "%s %s: %s", name, kind, cmp.Diff(in, out))
			}
		}
	}
}

// TestCompatibility compares every kind, with every field filled, with the files of
// testdata, whose README.md tells what to do when it fails.
func TestCompatibility(t *testing.T) {
	t.Parallel()
	options := roundtrip.NewCompatibilityTestOptions(newScheme())
	for kind, goType := range options.Scheme.KnownTypes(v1alpha1.SchemeGroupVersion) {
		if goType.PkgPath() == reflect.TypeFor[v1alpha1.Issue]().PkgPath() && !strings.HasSuffix(kind, "List") {
			options.Kinds = append(options.Kinds, v1alpha1.SchemeGroupVersion.WithKind(kind))
		}
	}
	options.Proto = cbor.NewSerializer(options.Scheme, options.Scheme)
	options.Complete(t).Run(t)
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	return scheme
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	scheme := newScheme()

	in := &v1alpha1.Issue{Spec: v1alpha1.IssueSpec{Links: []v1alpha1.IssueLink{{Title: "log"}}}}
	scheme.Default(in)
	out := &issues.Issue{}
	require.NoError(t, scheme.Convert(in, out, nil))
	require.Equal(t, issues.LinkOther, out.Spec.Links[0].Kind)
}

func TestFieldLabels(t *testing.T) {
	t.Parallel()
	scheme := newScheme()

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
