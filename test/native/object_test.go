// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	apply "kite.dev/kite/pkg/generated/applyconfiguration/issues/v1alpha1"
)

func newIssue(name string) *v1alpha1.Issue {
	return &v1alpha1.Issue{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.IssueSpec{
			Title:    "Build of " + name + " fails",
			Type:     v1alpha1.TypeBuild,
			Severity: v1alpha1.SeverityMajor,
			Scope:    v1alpha1.IssueScope{Kind: "Component", Name: name},
		},
	}
}

func create(t testing.TB, m *team, name string, edit ...func(*v1alpha1.Issue)) *v1alpha1.Issue {
	t.Helper()
	issue := newIssue(name)
	for _, f := range edit {
		f(issue)
	}
	created, err := m.issues(t).Create(t.Context(), issue, metav1.CreateOptions{})
	require.NoError(t, err)
	return created
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	content, err := json.Marshal(v)
	require.NoError(t, err)
	return content
}

func TestCreateGetListUpdateDelete(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := m.issues(t)
	created := create(t, m, "frontend")
	require.NotEmpty(t, created.UID)
	_, err := client.Create(t.Context(), newIssue("frontend"), metav1.CreateOptions{})
	require.True(t, apierrors.IsAlreadyExists(err), "%v", err)

	got, err := client.Get(t.Context(), "frontend", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, created, got)
	list, err := client.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Equal(t, []v1alpha1.Issue{*created}, list.Items)

	changed := got.DeepCopy()
	changed.Spec.Title = "It fails at link"
	changed, err = client.Update(t.Context(), changed, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.Equal(t, created.Generation+1, changed.Generation)
	_, err = client.Update(t.Context(), got, metav1.UpdateOptions{})
	require.True(t, apierrors.IsConflict(err), "a stale resourceVersion: %v", err)

	require.NoError(t, client.Delete(t.Context(), "frontend", metav1.DeleteOptions{}))
	_, err = client.Get(t.Context(), "frontend", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), "%v", err)
}

func TestPatch(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := m.issues(t)
	create(t, m, "frontend")
	for name, tc := range map[string]struct {
		reason string
		kind   types.PatchType
		patch  string
		want   func(error) bool
		title  string
	}{
		"JSON":         {"RFC 6902", types.JSONPatchType, `[{"op":"replace","path":"/spec/title","value":"json"}]`, succeeds, "json"},
		"JSONTest":     {"a test that fails changes nothing", types.JSONPatchType, `[{"op":"test","path":"/spec/title","value":"no"}]`, apierrors.IsInvalid, ""},
		"Merge":        {"RFC 7386", types.MergePatchType, `{"spec":{"title":"merge"}}`, succeeds, "merge"},
		"Strategic":    {"as for custom resources", types.StrategicMergePatchType, `{"spec":{"title":"strategic"}}`, succeeds, "strategic"},
		"Apply":        {"forced", types.ApplyPatchType, `{"apiVersion":"issues.kite.dev/v1alpha1","kind":"Issue","spec":{"title":"apply"}}`, succeeds, "apply"},
		"ApplyCBOR":    {"an unknown media type", types.PatchType("application/x-patch"), `{}`, apierrors.IsUnsupportedMediaType, ""},
		"Malformed":    {"no JSON", types.MergePatchType, `{"spec"`, apierrors.IsBadRequest, ""},
		"Immutable":    {"the identity", types.MergePatchType, `{"spec":{"type":"test"}}`, apierrors.IsInvalid, ""},
		"Precondition": {"a stale resourceVersion", types.MergePatchType, `{"metadata":{"resourceVersion":"1"},"spec":{"title":"x"}}`, apierrors.IsConflict, ""},
		"UID":          {"it never changes", types.MergePatchType, `{"metadata":{"uid":"x"},"spec":{"title":"x"}}`, apierrors.IsInvalid, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := metav1.PatchOptions{FieldManager: "test"}
			if tc.kind == types.ApplyPatchType {
				options.Force = new(true)
			}
			patched, err := client.Patch(t.Context(), "frontend", tc.kind, []byte(tc.patch), options)
			require.True(t, tc.want(err), "%s: %v", tc.reason, err)
			if err == nil {
				require.Equal(t, tc.title, patched.Spec.Title)
			}
		})
	}
}

func succeeds(err error) bool { return err == nil }

func TestServerSideApply(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := m.issues(t)
	whole := func(title string) *apply.IssueApplyConfiguration {
		return apply.Issue("tests", m.namespace).WithSpec(apply.IssueSpec().WithTitle(title).WithType(v1alpha1.TypeTest).
			WithSeverity(v1alpha1.SeverityMajor).WithScope(apply.IssueScope().WithKind("Component").WithName("frontend")))
	}
	first, err := client.Apply(t.Context(), whole("Tests fail"), metav1.ApplyOptions{FieldManager: "ci"})
	require.NoError(t, err)
	again, err := client.Apply(t.Context(), whole("Tests fail"), metav1.ApplyOptions{FieldManager: "ci"})
	require.NoError(t, err)
	require.Equal(t, first.ResourceVersion, again.ResourceVersion, "to apply the same changes nothing")

	mine := apply.Issue("tests", m.namespace).WithSpec(apply.IssueSpec().WithTitle("Mine"))
	_, err = client.Apply(t.Context(), mine, metav1.ApplyOptions{FieldManager: "person"})
	require.True(t, apierrors.IsConflict(err), "%v", err)
	require.ErrorContains(t, err, `conflict with "ci"`)
	require.True(t, apierrors.HasStatusCause(err, metav1.CauseTypeFieldManagerConflict))
	forced, err := client.Apply(t.Context(), mine, metav1.ApplyOptions{FieldManager: "person", Force: true})
	require.NoError(t, err)
	require.Equal(t, "Mine", forced.Spec.Title)
	_, err = client.Apply(t.Context(), whole("Tests fail"), metav1.ApplyOptions{FieldManager: "ci"})
	require.True(t, apierrors.IsConflict(err), "the field has changed hands: %v", err)

	extracted, err := apply.ExtractIssue(forced, "person")
	require.NoError(t, err)
	require.Equal(t, "Mine", *extracted.Spec.Title)
	require.Nil(t, extracted.Spec.Severity, "what others own is not extracted")
}

func TestPreconditions(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := m.issues(t)
	created := create(t, m, "frontend")
	for name, tc := range map[string]metav1.Preconditions{
		"UID":             {UID: new(types.UID("another"))},
		"ResourceVersion": {ResourceVersion: new("1")},
	} {
		err := client.Delete(t.Context(), "frontend", metav1.DeleteOptions{Preconditions: &tc})
		require.True(t, apierrors.IsConflict(err), "%s: %v", name, err)
	}
	both := metav1.Preconditions{UID: &created.UID, ResourceVersion: &created.ResourceVersion}
	require.NoError(t, client.Delete(t.Context(), "frontend", metav1.DeleteOptions{Preconditions: &both}))
}

func TestGenerateName(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	made := create(t, m, "frontend", func(i *v1alpha1.Issue) { i.Name, i.GenerateName = "", "build-" })
	require.Regexp(t, `^build-[a-z0-9]{5}$`, made.Name)
}

func TestFinalizers(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := m.issues(t)
	create(t, m, "held", func(i *v1alpha1.Issue) { i.Finalizers = []string{"example.com/audit"} })
	require.NoError(t, client.Delete(t.Context(), "held", metav1.DeleteOptions{}))
	held, err := client.Get(t.Context(), "held", metav1.GetOptions{})
	require.NoError(t, err)
	require.NotNil(t, held.DeletionTimestamp)

	_, err = client.Patch(t.Context(), "held", types.MergePatchType, []byte(`{"metadata":{"finalizers":["example.com/audit","example.com/late"]}}`), metav1.PatchOptions{})
	require.True(t, apierrors.IsInvalid(err), "none may be added now: %v", err)
	_, err = client.Patch(t.Context(), "held", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	_, err = client.Get(t.Context(), "held", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), "%v", err)
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := m.issues(t)
	dry := []string{metav1.DryRunAll}
	made, err := client.Create(t.Context(), newIssue("frontend"), metav1.CreateOptions{DryRun: dry})
	require.NoError(t, err)
	require.NotEmpty(t, made.UID)
	_, err = client.Get(t.Context(), "frontend", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), "%v", err)

	created := create(t, m, "frontend")
	same := newIssue("second")
	same.Spec.Scope = created.Spec.Scope
	_, err = client.Create(t.Context(), same, metav1.CreateOptions{DryRun: dry})
	require.True(t, apierrors.IsConflict(err), "an Active issue has this identity: %v", err)
	var status apierrors.APIStatus
	require.ErrorAs(t, err, &status)
	require.Equal(t, "frontend", status.Status().Details.Name, "the holder is named")

	patched, err := client.Patch(t.Context(), "frontend", types.MergePatchType, []byte(`{"spec":{"title":"dry"}}`), metav1.PatchOptions{DryRun: dry})
	require.NoError(t, err)
	require.Equal(t, "dry", patched.Spec.Title)
	require.NoError(t, client.Delete(t.Context(), "frontend", metav1.DeleteOptions{DryRun: dry}))
	got, err := client.Get(t.Context(), "frontend", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, created, got)
}

func TestDeleteCollection(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := m.issues(t)
	create(t, m, "keep", func(i *v1alpha1.Issue) { i.Spec.Severity = v1alpha1.SeverityInfo })
	for _, name := range []string{"a", "b", "c"} {
		create(t, m, name)
	}
	err := client.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{FieldSelector: "spec.severity=major"})
	require.NoError(t, err)
	list, err := client.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	require.Equal(t, "keep", list.Items[0].Name)
}
