// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/storage/postgres"
)

// FuzzFieldSelector: what a client writes as a selector is refused or understood as
// it is written, whatever kinds of terms it mixes.
func FuzzFieldSelector(f *testing.F) {
	for _, seed := range []string{
		"", "spec.type=build", "search=ab", "search!=ab", "run.name=a,run.uid!=b", `spec.key=a\,b\=c\\`, "search=\x00\x00", "run.name=\x00",
		"run.uid=", "run.name=\xff", `search=a\`, "spec.type", "=", "a==b", "search=" + strings.Repeat("é", 129), "metadata.name=../x", "search=\x1fa",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := fields.ParseSelector(text)
		if err != nil {
			return
		}
		if err := CheckSelector(&metainternalversion.ListOptions{FieldSelector: parsed}); err != nil {
			require.True(t, apierrors.IsBadRequest(err), "%v", err)
			return
		}
		s := newSelector(parsed)
		require.Equal(t, parsed.Requirements(), s.Requirements(), "storage sees every term")
		set := attributes(t, newIssue(func(issue *issues.Issue) {
			issue.Spec.Description = "ab"
			issue.Status.Runs = []issues.IssueRun{{Name: "a", UID: "u"}, {Name: "b"}}
		}))
		again, err := fields.ParseSelector(s.String())
		require.NoError(t, err)
		require.Equal(t, s.Matches(set), newSelector(again).Matches(set), "%q", text)
		require.Equal(t, s.Matches(set), s.DeepCopySelector().Matches(set))
		for _, r := range parsed.Requirements() {
			if r.Field == v1alpha1.FieldRunName && strings.ContainsRune(r.Value, 0) {
				require.Equal(t, r.Operator == "!=", newSelector(single(r)).Matches(set), "no run has such a name")
			}
		}
	})
}

func single(r fields.Requirement) fields.Selector {
	if r.Operator == "!=" {
		return fields.OneTermNotEqualSelector(r.Field, r.Value)
	}
	return fields.OneTermEqualSelector(r.Field, r.Value)
}

// FuzzIssue: an object that validation lets pass is stored, read again as it was, and
// found by each of its fields.
func FuzzIssue(f *testing.F) {
	sound, err := json.Marshal(newIssue())
	require.NoError(f, err)
	f.Add(sound)
	for _, seed := range []string{
		`{}`, `{"metadata":{"name":"a","namespace":"b"},"spec":{"title":"\u0000","type":"build","severity":"major","scope":{"kind":"A","name":"b"}}}`,
		`{"metadata":{"name":"a","namespace":"b","labels":{"\ud800":""}},"spec":{"title":"t","type":"build","severity":"major","scope":{"kind":"A","name":"b"},"dueDate":"9999-12-31T23:59:59-01:00"}}`,
		"{\"spec\":{\"title\":\"a\xff\"}}", `{"metadata":{"creationTimestamp":"0000-01-01T00:00:00Z"}}`, `{"status":{"runs":[{"name":"\u001f"}]}}`,
	} {
		f.Add([]byte(seed))
	}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	codec := serializer.NewCodecFactory(scheme).LegacyCodec(v1alpha1.SchemeGroupVersion)
	s, projection := testStrategy(), Projection()
	f.Fuzz(func(t *testing.T, data []byte) {
		var versioned v1alpha1.Issue
		if json.Unmarshal(data, &versioned) != nil {
			return
		}
		obj := &issues.Issue{}
		if scheme.Convert(&versioned, obj, nil) != nil {
			return
		}
		ctx := testContext(t.Context(), "")
		s.PrepareForCreate(ctx, obj)
		if len(s.Validate(ctx, obj)) > 0 {
			return
		}
		stored, err := runtime.Encode(codec, obj)
		require.NoError(t, err)
		read, err := runtime.Decode(codec, stored)
		require.NoError(t, err, "what is stored can be read")
		again, err := runtime.Encode(codec, read)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(string(stored), string(again)))
		row := projection.Row(obj)
		for i, column := range projection.Columns {
			require.Equal(t, column.Value(obj), row[i], "%s is not stored as it is", column.Field)
			require.Less(t, len(row[i]), column.MaxBytes)
			if column.Match == postgres.Equals {
				require.True(t, newSelector(fields.OneTermEqualSelector(column.Field, row[i])).Matches(attributes(t, obj)))
			}
		}
		require.NotPanics(t, func() { claimOf(obj) })
	})
}
