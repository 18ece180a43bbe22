// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// TestValidatingAdmissionPolicy lets a policy of the cluster decide about issues and
// reports: in the team's namespace no problem may concern a Secret.
func TestValidatingAdmissionPolicy(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	policies := kubernetes.NewForConfigOrDie(m.host.admin).AdmissionregistrationV1()
	name := "kite-test-" + m.namespace
	_, err := policies.ValidatingAdmissionPolicies().Create(t.Context(), &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			FailurePolicy: new(admissionregistrationv1.Fail),
			MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
				RuleWithOperations: admissionregistrationv1.RuleWithOperations{
					Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
					Rule: admissionregistrationv1.Rule{
						APIGroups: []string{v1alpha1.GroupName}, APIVersions: []string{"*"}, Resources: []string{"issues", "issuereports"},
					},
				},
			}}},
			Validations: []admissionregistrationv1.Validation{{
				Expression: "(object.kind == 'Issue' ? object.spec.scope : object.spec.issue.scope).kind != 'Secret'",
				Message:    "no secrets",
			}},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_ = policies.ValidatingAdmissionPolicies().Delete(ctx, name, metav1.DeleteOptions{})
		_ = policies.ValidatingAdmissionPolicyBindings().Delete(ctx, name, metav1.DeleteOptions{})
	})
	_, err = policies.ValidatingAdmissionPolicyBindings().Create(t.Context(), &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName:        name,
			ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
			MatchResources: &admissionregistrationv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{
				MatchLabels: map[string]string{"kubernetes.io/metadata.name": m.namespace},
			}},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)

	secret := newIssue("secret")
	secret.Spec.Scope.Kind = "Secret"
	eventually(t, "the policy is in force", func(ctx context.Context) error {
		_, err := m.issues(t).Create(ctx, secret, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if !apierrors.IsInvalid(err) {
			return errors.Join(err, errors.New("the issue is not refused"))
		}
		require.ErrorContains(t, err, "no secrets")
		return nil
	})
	report := newReport("secret", v1alpha1.OutcomeFailed)
	report.Spec.Issue.Scope.Kind = "Secret"
	reports := clientFor(t, m.developer).IssuesV1alpha1().IssueReports(m.namespace)
	eventually(t, "on either replica", func(ctx context.Context) error {
		_, err := reports.Create(ctx, report, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if !apierrors.IsInvalid(err) {
			return errors.Join(err, errors.New("the report is not refused"))
		}
		return nil
	})
	create(t, m, "allowed")
	create(t, newTeam(t), "elsewhere", func(i *v1alpha1.Issue) { i.Spec.Scope.Kind = "Secret" })
}
