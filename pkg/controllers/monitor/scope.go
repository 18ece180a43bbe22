// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// locate fills in the UID of a scope that is given by its name, without which its deletion
// does not resolve the issue. No report fails because it is not found. It is not looked for
// on behalf of who may write an IssueMonitor, and may read less than kite-controllers.
func (w *watcher) locate(ctx context.Context, namespace string, scope *issuesv1alpha1.IssueScope) {
	if scope.UID != "" || w.key.Namespace != "" {
		return
	}
	uid, err := w.c.owners.uidOf(ctx, schema.GroupKind{Group: scope.APIGroup, Kind: scope.Kind}, namespace, scope.Name)
	if err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("The issue will not resolve by its scope's deletion", "scope", scope.Kind+"/"+scope.Name, "reason", err.Error())
	}
	scope.UID = uid
}
