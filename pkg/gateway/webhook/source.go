// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"net/http"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/types"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/expression"
	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/gateway/signature"
	"kite.dev/kite/pkg/issuewebhook"
)

const (
	sourceName = "webhook"

	// When senders come back to a namespace with too many deliveries, to a gateway that has
	// just begun, or to a webhook that cannot be used.
	soon   = 5 * time.Second
	notYet = 10 * time.Second
	unused = time.Minute
)

// Source takes deliveries.
func (w *Webhooks) Source() gateway.Source {
	return gateway.Source{Name: sourceName, Pattern: "/webhooks/{namespace}/{name}", Ready: w.synced, Admit: w.admit}
}

func nameOf(r *http.Request) types.NamespacedName {
	return types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
}

// admit does nothing for a sender before it knows that the sender may send. The rate is that
// of the webhook once a signature is right, else of the token.
func (w *Webhooks) admit(r *http.Request) (string, gateway.Handler, error) {
	hook := w.hooks.get(nameOf(r))
	switch {
	case hook == nil && !w.synced():
		return "", nil, &gateway.Problem{Status: http.StatusServiceUnavailable, RetryAfter: notYet, Detail: "the gateway does not know its webhooks yet"}
	case hook == nil:
		return "", nil, &gateway.Problem{Status: http.StatusNotFound, Detail: "there is no such webhook"}
	}
	gateway.LogNamespace(r.Context(), hook.Namespace)
	if hook.invalid != nil {
		return "", nil, notUsable(hook.invalid)
	}
	body, err := gateway.ReadBody(r)
	if err != nil {
		return "", nil, err
	}
	if hook.scheme == nil {
		return r.Header.Get("Authorization"), func(out http.ResponseWriter, r *http.Request) error {
			if err := mayReport(r.Context(), w.reviews, hook.Namespace); err != nil {
				return err
			}
			return w.deliver(out, r, hook, w.callers, body)
		}, nil
	}
	return hook.String(), func(out http.ResponseWriter, r *http.Request) error {
		return w.deliver(out, r, hook, w.own, body)
	}, w.authenticate(r, hook, body)
}

// deliver reports what a delivery says to a webhook.
func (w *Webhooks) deliver(out http.ResponseWriter, r *http.Request, hook *hook, as gateway.Reporter, body []byte) error {
	var mapping issuewebhook.Mapping
	var err error
	busy := w.turns.Do(r.Context(), hook.Namespace, func() {
		mapping, err = hook.compiled.Map(r.Context(), r.Header, body, w.clock.Now())
	})
	if busy != nil {
		return &gateway.Problem{Status: http.StatusServiceUnavailable, RetryAfter: soon, Detail: expression.ErrBusy.Error(), Cause: busy}
	}
	if err != nil {
		return problemOfDelivery(err)
	}
	return w.report(r.Context(), out, hook, as, mapping)
}

func notUsable(cause error) error {
	return &gateway.Problem{
		Status: http.StatusServiceUnavailable, RetryAfter: unused, Cause: cause,
		Detail: "the webhook cannot be used at the moment; its status says why",
	}
}

// authenticate refuses who does not know the secret.
func (w *Webhooks) authenticate(r *http.Request, hook *hook, body []byte) error {
	err := w.verify(r, hook, body, keep)
	if errors.Is(err, signature.ErrWrong) {
		err = w.verify(r, hook, body, keepDoubted)
	}
	if refused, ok := errors.AsType[*signature.Error](err); ok {
		return &gateway.Problem{
			Status: http.StatusUnauthorized, Detail: refused.Error(), Signed: true,
			Errors: []gateway.FieldError{{Field: refused.Header, Detail: refused.Err.Error()}},
		}
	}
	if err == nil {
		gateway.LogSender(r.Context(), "webhook "+hook.String())
	}
	return err
}

func (w *Webhooks) verify(r *http.Request, hook *hook, body []byte, maxAge time.Duration) error {
	secrets, err := w.secrets.read(r.Context(), hook.Namespace, hook.secret, maxAge)
	if cause, ok := errors.AsType[*unreadable](err); ok {
		return notUsable(cause)
	}
	if err != nil {
		return gateway.Ours(err)
	}
	return hook.scheme.Verify(r.Header, body, secrets, w.clock.Now())
}

// mayReport asks with the sender's token, before expressions are evaluated for it.
func mayReport(ctx context.Context, reviews authorizationclient.SelfSubjectAccessReviewsGetter, namespace string) error {
	return gateway.Allowed(ctx, reviews, authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: "create", Group: issues.GroupName, Resource: "issuereports",
		},
	}, "needs the right to create issuereports."+issues.GroupName+" in namespace "+namespace)
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
