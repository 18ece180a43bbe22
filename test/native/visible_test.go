// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// rightsTimeout is how soon a right that is given or taken has its effect.
const rightsTimeout = 10 * time.Second

// seen are the visible issues of the given namespaces that an account gets.
func seen(ctx context.Context, t testing.TB, cfg *rest.Config, namespaces ...string) ([]string, error) {
	t.Helper()
	list, err := clientFor(t, cfg).IssuesV1alpha1().VisibleIssues().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	out := []string{}
	for i := range list.Items {
		if slices.Contains(namespaces, list.Items[i].Issue.Namespace) {
			out = append(out, list.Items[i].Name)
		}
	}
	return out, nil
}

// TestVisibleIssuesRights: each account sees the issues of the namespaces in which it may
// list issues, also as somebody who impersonates it, and nobody sees more.
func TestVisibleIssuesRights(t *testing.T) {
	t.Parallel()
	own, foreign := newTeam(t), newTeam(t)
	create(t, own, "frontend")
	create(t, foreign, "frontend")
	accounts := allAccounts(t, own)
	mine, theirs := own.namespace+".frontend", foreign.namespace+".frontend"
	both := []string{mine, theirs}
	slices.Sort(both)
	want := map[string][]string{
		viewer: {mine}, developer: {mine}, reporter: {}, controller: {}, auditor: both, security: both, releaser: {}, platform: both, outsider: {},
	}
	for name, cfg := range accounts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			impersonated := rest.CopyConfig(own.host.admin)
			impersonated.Impersonate = rest.ImpersonationConfig{
				UserName: fmt.Sprintf("system:serviceaccount:%s:%s", own.namespace, name),
				Groups:   []string{"system:serviceaccounts", "system:authenticated"},
			}
			for _, cfg := range []*rest.Config{cfg, impersonated} {
				eventually(t, "the rights of "+name, func(ctx context.Context) error {
					got, err := seen(ctx, t, cfg, own.namespace, foreign.namespace)
					slices.Sort(got)
					if err == nil && !slices.Equal(want[name], got) {
						err = fmt.Errorf("want %v, got %v", want[name], got)
					}
					return err
				})
				for namespace, visible := range map[string]string{own.namespace: mine, foreign.namespace: theirs} {
					path := "/apis/issues.kite.dev/v1alpha1/visibleissues/" + namespace + ".frontend"
					expected := http.StatusNotFound
					if slices.Contains(want[name], visible) {
						expected = http.StatusOK
					}
					eventually(t, "another replica knows them, too", func(context.Context) error {
						if code, body := do(t, cfg, http.MethodGet, path, "", nil); code != expected {
							return fmt.Errorf("want %d, got %d: %s", expected, code, body)
						}
						return nil
					})
				}
				code, body := do(t, cfg, http.MethodDelete, "/apis/issues.kite.dev/v1alpha1/visibleissues/"+mine, "", nil)
				require.Contains(t, []int{http.StatusForbidden, http.StatusMethodNotAllowed}, code, "%s", body)
			}
		})
	}
	nobody := rest.AnonymousClientConfig(own.host.admin)
	code, body := do(t, nobody, http.MethodGet, "/apis/issues.kite.dev/v1alpha1/visibleissues", "", nil)
	require.Contains(t, []int{http.StatusForbidden, http.StatusUnauthorized}, code, "%s", body)
}

// TestVisibleIssuesFollowRights: a RoleBinding that goes takes its issues along within 10 s,
// from lists and from watches; one that comes brings them.
func TestVisibleIssuesFollowRights(t *testing.T) {
	t.Parallel()
	own := newTeam(t)
	create(t, own, "frontend")
	account := own.account(t, viewer, "view")
	client := clientFor(t, account).IssuesV1alpha1().VisibleIssues()
	eventually(t, "the right to view", func(ctx context.Context) error {
		got, err := seen(ctx, t, account, own.namespace)
		if err == nil && len(got) != 1 {
			err = fmt.Errorf("got %v", got)
		}
		return err
	})
	events, err := client.Watch(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	defer events.Stop()
	require.Equal(t, watch.Added, (<-events.ResultChan()).Type)

	bindings := kubernetes.NewForConfigOrDie(own.host.admin).RbacV1().RoleBindings(own.namespace)
	binding, err := bindings.Get(t.Context(), viewer+"-view", metav1.GetOptions{})
	require.NoError(t, err)
	require.NoError(t, bindings.Delete(t.Context(), binding.Name, metav1.DeleteOptions{}))
	select {
	case event := <-events.ResultChan():
		require.Equal(t, watch.Deleted, event.Type)
		require.Equal(t, own.namespace, event.Object.(*v1alpha1.VisibleIssue).Issue.Namespace)
	case <-time.After(rightsTimeout):
		require.FailNow(t, "the right was taken away, and nothing happened")
	}
	within(t, rightsTimeout, "another replica knows it, too", func(ctx context.Context) error {
		got, err := seen(ctx, t, account, own.namespace)
		if err == nil && len(got) > 0 {
			err = fmt.Errorf("got %v", got)
		}
		return err
	})

	binding.ResourceVersion, binding.UID = "", ""
	_, err = bindings.Create(t.Context(), binding, metav1.CreateOptions{})
	require.NoError(t, err)
	select {
	case event := <-events.ResultChan():
		require.Equal(t, watch.Added, event.Type)
	case <-time.After(rightsTimeout):
		require.FailNow(t, "the right was given, and nothing happened")
	}
}
