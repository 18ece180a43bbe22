// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/user"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const testNamespace = "team-gamma"

var testTime = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func testStrategy() strategy {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	return newStrategy(scheme, clocktesting.NewFakePassiveClock(testTime))
}

// testContext is that of a request by dana for issues or a subresource.
func testContext(ctx context.Context, subresource string) context.Context {
	ctx = genericapirequest.WithNamespace(ctx, testNamespace)
	ctx = genericapirequest.WithUser(ctx, &user.DefaultInfo{Name: "dana"})
	return genericapirequest.WithRequestInfo(ctx, &genericapirequest.RequestInfo{
		APIGroup: issues.GroupName, APIVersion: v1alpha1.SchemeGroupVersion.Version,
		Resource: "issues", Subresource: subresource, Namespace: testNamespace,
	})
}

func newIssue(edit ...func(*issues.Issue)) *issues.Issue {
	out := &issues.Issue{
		ObjectMeta: metav1.ObjectMeta{
			Name: "build-checkout", Namespace: testNamespace, CreationTimestamp: metav1.NewTime(testTime.Add(-3 * time.Hour)),
			UID: "6d5e8a5e-8bd4-4d8e-9d0c-4b1f3f9e2a11", ResourceVersion: "7",
		},
		Spec: issues.IssueSpec{
			Title:    "Build of Checkout fails",
			Type:     issues.TypeBuild,
			Severity: issues.SeverityMajor,
			Scope:    issues.IssueScope{APIGroup: "appstudio.redhat.com", Kind: "Component", Name: "checkout"},
			Stage:    issues.StagePush,
		},
	}
	for _, f := range edit {
		f(out)
	}
	return out
}

// stored is newIssue as a create by dana stores it.
func stored(ctx context.Context, edit ...func(*issues.Issue)) *issues.Issue {
	out := newIssue(edit...)
	testStrategy().PrepareForCreate(testContext(ctx, ""), out)
	return out
}
