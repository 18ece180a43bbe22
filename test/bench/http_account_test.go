// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const accountName = "bench"

func (h *host) newNamespace(b *testing.B) string {
	b.Helper()
	made, err := h.kubernetes.CoreV1().Namespaces().Create(b.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "bench-"}}, metav1.CreateOptions{})
	require.NoError(b, err)
	h.namespaces = append(h.namespaces, made.Name)
	return made.Name
}

// deleteNamespaces waits until all in them is gone: the next benchmark shall not share
// the machine with that work.
func (h *host) deleteNamespaces(b *testing.B) {
	b.Helper()
	client := h.kubernetes.CoreV1().Namespaces()
	for _, name := range h.namespaces {
		_ = client.Delete(context.WithoutCancel(b.Context()), name, metav1.DeleteOptions{})
	}
	for _, name := range h.namespaces {
		eventually(b, "namespace "+name+" gone", func(ctx context.Context) error {
			_, err := client.Get(ctx, name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return nil
			}
			return errors.Join(errors.New("it is still there"), err)
		})
	}
}

// newAccount makes a ServiceAccount, which RBAC allows nothing yet, in the first namespace.
func (h *host) newAccount(b *testing.B) *rest.Config {
	b.Helper()
	namespace := h.newNamespace(b)
	client := h.kubernetes.CoreV1().ServiceAccounts(namespace)
	_, err := client.Create(b.Context(),
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: accountName, Namespace: namespace}}, metav1.CreateOptions{})
	require.NoError(b, err)
	token, err := client.CreateToken(b.Context(), accountName, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	require.NoError(b, err)
	cfg := rest.AnonymousClientConfig(h.admin)
	cfg.QPS = -1
	cfg.BearerToken = token.Status.Token
	return cfg
}

// newTeam is a namespace in which the account may do all with issues of either group.
func (h *host) newTeam(b *testing.B) string {
	b.Helper()
	namespace := h.newNamespace(b)
	client := h.kubernetes.RbacV1()
	_, err := client.Roles(namespace).Create(b.Context(), &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: accountName},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{v1alpha1.GroupName, customGroup}, Resources: []string{resource, resource + "/status"},
			Verbs: []string{"create", "get", "list", "watch", "update", "patch", "delete"},
		}},
	}, metav1.CreateOptions{})
	require.NoError(b, err)
	_, err = client.RoleBindings(namespace).Create(b.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: accountName},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: accountName},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: h.namespaces[0], Name: accountName}},
	}, metav1.CreateOptions{})
	require.NoError(b, err)
	h.waitAllowed(b, namespace)
	return namespace
}

// waitAllowed asks kube-apiserver itself: others would remember its no for some seconds.
func (h *host) waitAllowed(b *testing.B, namespace string) {
	b.Helper()
	client, err := kubernetes.NewForConfig(h.account)
	require.NoError(b, err)
	eventually(b, "RBAC lets the account list issues in "+namespace, func(ctx context.Context) error {
		review, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: namespace, Verb: "list", Group: v1alpha1.GroupName, Resource: resource,
			}},
		}, metav1.CreateOptions{})
		if err == nil && !review.Status.Allowed {
			err = errors.New("not yet")
		}
		return err
	})
}
