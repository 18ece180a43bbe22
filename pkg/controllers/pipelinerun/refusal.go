// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"context"
	"errors"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// forbiddenPause is how long to wait for an administrator to grant a right.
const forbiddenPause = 10 * time.Minute

// afterRefusal decides when a report that failed is worth sending again.
func afterRefusal(ctx context.Context, err error) (ctrl.Result, error) {
	log := ctrl.LoggerFrom(ctx)
	switch {
	case namespaceGone(err):
		log.V(2).Info("Namespace is being deleted, not reporting", "reason", err.Error())
		return ctrl.Result{}, nil
	case tooEarly(err):
		return ctrl.Result{}, err
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err):
		return ctrl.Result{}, reconcile.TerminalError(err)
	case apierrors.IsForbidden(err):
		log.Error(err, "Report refused, trying again later", "after", forbiddenPause)
		return ctrl.Result{RequeueAfter: forbiddenPause}, nil
	default:
		return ctrl.Result{}, err
	}
}

// tooEarly is of a run whose clock is further ahead of the server's than that takes: its time
// comes.
func tooEarly(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Details != nil &&
		slices.ContainsFunc(status.Status().Details.Causes, func(cause metav1.StatusCause) bool { return cause.Field == "spec.observedAt" })
}

// namespaceGone tells a missing namespace from a missing API, which comes back.
func namespaceGone(err error) bool {
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return true
	}
	var status apierrors.APIStatus
	return errors.As(err, &status) && apierrors.IsNotFound(err) &&
		status.Status().Details != nil && status.Status().Details.Kind == "namespaces"
}
