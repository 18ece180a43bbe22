// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package authorization

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
)

func binding(namespace, name string, subjects ...rbacv1.Subject) *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		RoleRef:    rbacv1.RoleRef{Kind: "ClusterRole", Name: "view"},
		Subjects:   subjects,
	}
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset(
		binding("team-a", "people", rbacv1.Subject{Kind: rbacv1.UserKind, Name: "ann"}, rbacv1.Subject{Kind: rbacv1.UserKind, Name: "bob"}),
		binding("team-a", "again", rbacv1.Subject{Kind: rbacv1.UserKind, Name: "ann"}),
		binding("team-b", "guild", rbacv1.Subject{Kind: rbacv1.GroupKind, Name: "guild"}),
		binding("team-c", "robot", rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: "robot"}),
		binding("team-d", "robot", rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: "robot", Namespace: "team-c"}),
		binding("team-e", "user named as a group", rbacv1.Subject{Kind: rbacv1.UserKind, Name: "guild"}),
		binding("team-f", "nobody"),
	)
	b, err := NewBindings(client)
	require.NoError(t, err)
	_, err = b.Candidates(&user.DefaultInfo{Name: "ann"})
	require.ErrorIs(t, err, errBindingsUnknown, "what is not known yet is not nothing")
	go b.Run(t.Context())
	require.True(t, cache.WaitForCacheSync(t.Context().Done(), b.informer.HasSynced))

	cases := map[string]struct {
		reason string
		user   user.DefaultInfo
		want   []string
	}{
		"user":            {reason: "a namespace counts once", user: user.DefaultInfo{Name: "ann"}, want: []string{"team-a"}},
		"group":           {reason: "groups count", user: user.DefaultInfo{Name: "bob", Groups: []string{"guild"}}, want: []string{"team-a", "team-b"}},
		"service account": {reason: "in its own namespace, and in others", user: user.DefaultInfo{Name: "system:serviceaccount:team-c:robot"}, want: []string{"team-c", "team-d"}},
		"namesake":        {reason: "a user named as the account is another", user: user.DefaultInfo{Name: "robot"}},
		"user guild":      {reason: "a user is no group", user: user.DefaultInfo{Name: "guild"}, want: []string{"team-e"}},
		"outsider":        {reason: "no binding, no candidate", user: user.DefaultInfo{Name: "eve", Groups: []string{"system:authenticated"}}},
	}
	for name, tc := range cases {
		got, err := b.Candidates(&tc.user)
		require.NoError(t, err)
		slices.Sort(got)
		require.Equal(t, tc.want, got, "%s: %s", name, tc.reason)
	}

	require.Eventually(t, func() bool { // a watch of the fake does not tell what went before it began
		return slices.ContainsFunc(client.Actions(), func(a clienttesting.Action) bool { return a.Matches("watch", "rolebindings") })
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, client.RbacV1().RoleBindings("team-b").Delete(t.Context(), "guild", metav1.DeleteOptions{}))
	require.Eventually(t, func() bool {
		got, err := b.Candidates(&user.DefaultInfo{Name: "eve", Groups: []string{"guild"}})
		return err == nil && len(got) == 0
	}, 10*time.Second, time.Millisecond)
}

// TestBindingsKeepLittle: what is not needed is not kept.
func TestBindingsKeepLittle(t *testing.T) {
	t.Parallel()
	full := binding("team-a", "x", rbacv1.Subject{Kind: rbacv1.UserKind, Name: "ann"})
	full.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	full.Annotations = map[string]string{"a": "b"}
	kept, err := keepSubjects(full)
	require.NoError(t, err)
	want := binding("team-a", "x", rbacv1.Subject{Kind: rbacv1.UserKind, Name: "ann"})
	want.RoleRef = rbacv1.RoleRef{}
	require.Equal(t, want, kept)
}
