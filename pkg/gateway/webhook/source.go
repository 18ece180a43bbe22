// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"net/http"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/gateway/signature"
	"kite.dev/kite/pkg/issuewebhook"
)

const (
	sourceName = "webhook"

	// notYet is when senders come back to a gateway that has just begun, or to a webhook
	// that cannot be used.
	notYet = 10 * time.Second
	unused = time.Minute
)

// Source takes deliveries.
func (w *Webhooks) Source() gateway.Source {
	return gateway.Source{Name: sourceName, Pattern: "/webhooks/{namespace}/{name}", Sender: w.sender, Handler: w.deliver}
}

// sender is the webhook, or the token: who knows no token must not use up the rate of
// others. There are no buckets for names that somebody made up.
func (w *Webhooks) sender(r *http.Request) string {
	hook := w.hooks.get(nameOf(r))
	switch {
	case hook == nil:
		return ""
	case hook.invalid == nil && hook.scheme == nil:
		return r.Header.Get("Authorization")
	default:
		return hook.String()
	}
}

func nameOf(r *http.Request) types.NamespacedName {
	return types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
}

// deliver does nothing for a sender before it knows that the sender may send.
func (w *Webhooks) deliver(out http.ResponseWriter, r *http.Request) error {
	hook := w.hooks.get(nameOf(r))
	switch {
	case hook == nil && !w.synced():
		return &gateway.Problem{Status: http.StatusServiceUnavailable, RetryAfter: notYet, Detail: "the gateway does not know its webhooks yet"}
	case hook == nil:
		return &gateway.Problem{Status: http.StatusNotFound, Detail: "there is no such webhook"}
	}
	gateway.LogNamespace(r.Context(), hook.Namespace)
	if hook.invalid != nil {
		return notUsable(hook.invalid)
	}
	body, err := gateway.ReadBody(r)
	if err != nil {
		return err
	}
	reporter, err := w.authenticate(r, hook, body)
	if err != nil {
		return err
	}
	mapping, err := hook.compiled.Map(r.Context(), r.Header, body, w.clock.Now())
	if err != nil {
		return problemOfDelivery(err)
	}
	return w.report(r.Context(), out, hook, reporter, mapping)
}

func notUsable(cause error) error {
	return &gateway.Problem{
		Status: http.StatusServiceUnavailable, RetryAfter: unused, Cause: cause,
		Detail: "the webhook cannot be used at the moment; its status says why",
	}
}

// authenticate gives whoever the reports are sent as.
func (w *Webhooks) authenticate(r *http.Request, hook *hook, body []byte) (gateway.Reporter, error) {
	if hook.scheme == nil {
		return w.callers, mayReport(r.Context(), w.reviews, hook.Namespace)
	}
	err := w.verify(r, hook, body, keep)
	if errors.Is(err, signature.ErrWrong) {
		err = w.verify(r, hook, body, keepDoubted)
	}
	if refused, ok := errors.AsType[*signature.Error](err); ok {
		return nil, &gateway.Problem{
			Status: http.StatusUnauthorized, Detail: refused.Error(),
			Errors: []gateway.FieldError{{Field: refused.Header, Detail: refused.Err.Error()}},
		}
	}
	if err != nil {
		return nil, err
	}
	gateway.LogSender(r.Context(), "webhook "+hook.String())
	return w.own, nil
}

func (w *Webhooks) verify(r *http.Request, hook *hook, body []byte, maxAge time.Duration) error {
	secrets, err := w.secrets.read(r.Context(), hook.Namespace, hook.secret, maxAge)
	if cause, ok := errors.AsType[*unreadable](err); ok {
		return notUsable(cause)
	}
	if err != nil {
		return err
	}
	return hook.scheme.Verify(r.Header, body, secrets, w.clock.Now())
}

// mayReport asks with the sender's token, before expressions are evaluated for it.
func mayReport(ctx context.Context, reviews authorizationclient.SelfSubjectAccessReviewsGetter, namespace string) error {
	review, err := reviews.SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: "create", Group: issues.GroupName, Resource: "issuereports",
		}},
	}, metav1.CreateOptions{})
	switch {
	case err != nil:
		return err
	case !review.Status.Allowed:
		return &gateway.Problem{Status: http.StatusForbidden, Detail: "needs the right to create issuereports." + issues.GroupName + " in namespace " + namespace}
	default:
		return nil
	}
}

// problemOfDelivery is about a delivery as a whole.
func problemOfDelivery(err error) error {
	switch failed, ok := errors.AsType[*issuewebhook.Error](err); {
	case ok:
		return &gateway.Problem{
			Status: http.StatusUnprocessableEntity, Detail: failed.Error(),
			Errors: []gateway.FieldError{{Field: failed.Path.String(), Detail: failed.Err.Error()}},
		}
	case errors.Is(err, issuewebhook.ErrTooLarge):
		return &gateway.Problem{Status: http.StatusRequestEntityTooLarge, Detail: err.Error()}
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	default:
		return &gateway.Problem{Status: http.StatusBadRequest, Detail: err.Error()}
	}
}
