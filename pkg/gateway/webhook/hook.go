// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/gateway/signature"
	"kite.dev/kite/pkg/issuewebhook"
)

// hook is an IssueWebhook that is ready to use.
type hook struct {
	types.NamespacedName

	spec     *v1alpha1.IssueWebhookSpec
	compiled *issuewebhook.Webhook
	// scheme is nil where senders have a token of the cluster.
	scheme *signature.Scheme
	secret v1alpha1.SecretKeyReference
	// invalid is why nothing above can be used.
	invalid error
}

// source tells in issues what found them.
func (h *hook) source() string { return "IssueWebhook/" + h.Namespace + "/" + h.Name }

func newHook(webhook *v1alpha1.IssueWebhook) *hook {
	out := &hook{NamespacedName: types.NamespacedName{Namespace: webhook.Namespace, Name: webhook.Name}, spec: &webhook.Spec}
	spec := &issues.IssueWebhookSpec{}
	if out.invalid = v1alpha1.Convert_v1alpha1_IssueWebhookSpec_To_issues_IssueWebhookSpec(&webhook.Spec, spec, nil); out.invalid != nil {
		return out
	}
	compiled, errs := issuewebhook.Compile(spec, field.NewPath("spec"))
	if out.invalid = errs.ToAggregate(); out.invalid != nil {
		return out
	}
	out.compiled = compiled
	out.scheme, out.secret, out.invalid = schemeOf(&webhook.Spec.Authentication)
	return out
}

// schemeOf refuses what a newer version of the API may know.
func schemeOf(in *v1alpha1.WebhookAuthentication) (*signature.Scheme, v1alpha1.SecretKeyReference, error) {
	var scheme signature.Scheme
	switch {
	case in.Github != nil:
		scheme = signature.Github()
		return &scheme, in.Github.SecretRef, nil
	case in.Gitlab != nil:
		scheme = signature.Gitlab()
		return &scheme, in.Gitlab.SecretRef, nil
	case in.HMAC != nil:
		scheme = signature.NewHMAC(hmacOf(in.HMAC))
		return &scheme, in.HMAC.SecretRef, nil
	case in.Token != nil:
		return nil, v1alpha1.SecretKeyReference{}, nil
	default:
		return nil, v1alpha1.SecretKeyReference{}, fmt.Errorf("spec.authentication: this gateway knows no such way to authenticate")
	}
}

func hmacOf(in *v1alpha1.WebhookHMAC) signature.HMAC {
	out := signature.HMAC{
		Header: in.Header, Prefix: in.Prefix, Encoding: signature.Encoding(in.Encoding),
		TimestampHeader: in.TimestampHeader, SignedContent: in.SignedContent,
	}
	if in.Tolerance != nil {
		out.Tolerance = in.Tolerance.Duration
	}
	return out
}

// hooks are all webhooks of the cluster, each compiled once.
type hooks struct {
	mu  sync.RWMutex
	all map[types.NamespacedName]*hook
}

func (h *hooks) get(name types.NamespacedName) *hook {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.all[name]
}

func (h *hooks) set(hook *hook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all[hook.NamespacedName] = hook
}

func (h *hooks) remove(name types.NamespacedName) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, name)
}
