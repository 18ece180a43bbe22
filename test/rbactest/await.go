// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package rbactest is about rights that a test gives.
package rbactest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/client-go/kubernetes"
)

const patience = time.Minute

// Await waits until kube-apiserver, which learns of bindings by a watch, judges an account by
// its new role in a namespace, or in all where that is empty.
func Await(t testing.TB, client kubernetes.Interface, account rbacv1.Subject, role rbacv1.RoleRef, namespace string) {
	t.Helper()
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: serviceaccount.MakeUsername(account.Namespace, account.Name),
	}}
	ask(review, firstRule(t, client, role, namespace), namespace)
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		answer, err := client.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		return err == nil && answer.Status.Allowed, nil
	})
	require.NoError(t, err, "%s has no rights of the role %s", account.Name, role.Name)
}

func firstRule(t testing.TB, client kubernetes.Interface, role rbacv1.RoleRef, namespace string) rbacv1.PolicyRule {
	t.Helper()
	if role.Kind == "Role" {
		found, err := client.RbacV1().Roles(namespace).Get(t.Context(), role.Name, metav1.GetOptions{})
		require.NoError(t, err)
		return found.Rules[0]
	}
	found, err := client.RbacV1().ClusterRoles().Get(t.Context(), role.Name, metav1.GetOptions{})
	require.NoError(t, err)
	return found.Rules[0]
}

// ask asks for what the rule allows first.
func ask(review *authorizationv1.SubjectAccessReview, rule rbacv1.PolicyRule, namespace string) {
	if len(rule.NonResourceURLs) > 0 {
		review.Spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Path: rule.NonResourceURLs[0], Verb: rule.Verbs[0]}
		return
	}
	resource, subresource, _ := strings.Cut(rule.Resources[0], "/")
	review.Spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
		Namespace: namespace, Group: rule.APIGroups[0], Resource: resource, Subresource: subresource, Verb: rule.Verbs[0],
	}
	if len(rule.ResourceNames) > 0 {
		review.Spec.ResourceAttributes.Name = rule.ResourceNames[0]
	}
}
