// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"strings"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const (
	// How soon a secret that was readable, or was not, is looked at again for the status.
	lookAgain      = 10 * time.Minute
	lookAgainSoon  = 10 * time.Second
	statusTimeout  = 30 * time.Second
	maxMessageSize = 1024
)

// work says in the status of each webhook whether deliveries are taken, until the queue is
// shut down.
func (w *Webhooks) work(ctx context.Context) {
	for {
		name, stopped := w.queue.Get()
		if stopped {
			return
		}
		again, err := w.reconcile(ctx, name)
		switch {
		case err != nil && ctx.Err() == nil:
			klog.FromContext(ctx).Error(err, "Cannot tell how a webhook is doing", "webhook", name)
			w.queue.AddRateLimited(name)
		case err == nil:
			w.queue.Forget(name)
			if again > 0 {
				w.queue.AddAfter(name, again)
			}
		}
		w.queue.Done(name)
	}
}

// reconcile writes only what changed: all replicas come to the same status. It returns when
// to look again.
func (w *Webhooks) reconcile(ctx context.Context, name types.NamespacedName) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	webhook, err := w.lister.IssueWebhooks(name.Namespace).Get(name.Name)
	hook := w.hooks.get(name)
	if apierrors.IsNotFound(err) || hook == nil {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	status, again, err := w.statusOf(ctx, webhook, hook)
	if err != nil || apiequality.Semantic.DeepEqual(status, &webhook.Status) {
		return again, err
	}
	changed := webhook.DeepCopy()
	changed.Status = *status
	_, err = w.issues.IssueWebhooks(name.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return lookAgainSoon, nil // another replica was faster, or the webhook has gone: the watch tells
	}
	return again, err
}

func (w *Webhooks) statusOf(ctx context.Context, webhook *v1alpha1.IssueWebhook, hook *hook) (*v1alpha1.IssueWebhookStatus, time.Duration, error) {
	status := webhook.Status.DeepCopy()
	status.ObservedGeneration = webhook.Generation
	set := func(kind string, is metav1.ConditionStatus, reason, message string) {
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{
			Type: kind, Status: is, Reason: reason, Message: shortened(message), ObservedGeneration: webhook.Generation,
			LastTransitionTime: metav1.NewTime(w.clock.Now()),
		})
	}
	if hook.invalid != nil {
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionSecretReadable)
		set(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonInvalid, hook.invalid.Error())
		return status, 0, nil //nolint:nilerr // it is what the status says
	}
	if hook.scheme == nil {
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionSecretReadable)
		set(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, "")
		return status, 0, nil
	}
	_, err := w.secrets.read(ctx, hook.Namespace, hook.secret, 0)
	if cause, ok := errors.AsType[*unreadable](err); ok {
		set(v1alpha1.ConditionSecretReadable, metav1.ConditionFalse, cause.reason, cause.message)
		set(v1alpha1.ConditionReady, metav1.ConditionFalse, cause.reason, cause.message)
		return status, lookAgainSoon, nil
	}
	if err != nil {
		return nil, 0, err
	}
	set(v1alpha1.ConditionSecretReadable, metav1.ConditionTrue, v1alpha1.ReasonSecretReadable, "")
	set(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, "")
	return status, lookAgain, nil
}

func shortened(message string) string {
	if len(message) <= maxMessageSize {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessageSize], "")
}
