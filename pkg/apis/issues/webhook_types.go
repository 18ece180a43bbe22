// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issues

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Condition types of IssueWebhook.
const (
	// ConditionReady is True while deliveries are taken.
	ConditionReady = "Ready"
	// ConditionSecretReadable is True while the gateway can read the secret.
	ConditionSecretReadable = "SecretReadable"
)

// Reasons of the conditions of webhooks.
const (
	// ReasonReady: deliveries are taken.
	ReasonReady = "Ready"
	// ReasonInvalid: the gateway cannot compile the expressions.
	ReasonInvalid = "Invalid"
	// ReasonSecretReadable: the gateway reads the secret.
	ReasonSecretReadable = "Readable"
	// ReasonSecretForbidden: the gateway may not read the Secret. The message
	// is the command that allows it.
	ReasonSecretForbidden = "SecretForbidden"
	// ReasonSecretMissing: there is no such Secret, or it has no such key.
	ReasonSecretMissing = "SecretMissing"
	// ReasonSecretEmpty: what the Secret has under the key is empty.
	ReasonSecretEmpty = "SecretEmpty"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueWebhook takes JSON from programs that know nothing of Kubernetes, and
// reports what it tells to its own namespace. Senders post to
// /webhooks/NAMESPACE/NAME of kite-gateway. Whoever writes its spec needs the
// right to create issuereports there.
type IssueWebhook struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec   IssueWebhookSpec
	Status IssueWebhookStatus
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueWebhookList is a list of webhooks.
type IssueWebhookList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []IssueWebhook
}

// IssueWebhookSpec says who may send, and what a delivery means. Expressions are
// CEL, with Kubernetes' libraries and three variables: body is what was sent,
// headers are the request's by their names in lower case, without those that
// carry secrets or signatures, and item is one of the items that the delivery
// tells of. An expression has at most 4096 bytes.
type IssueWebhookSpec struct {
	Authentication WebhookAuthentication
	Ignore         string
	Items          string
	Failed         string
	Succeeded      string
	ObservedAt     string
	IdempotencyKey string
	Reason         string
	Run            *RunTemplate
	LogExcerpt     string
	Issue          IssueTemplate
}

// WebhookAuthentication says how a sender shows that it may send. Exactly one
// member is set.
type WebhookAuthentication struct {
	Github *WebhookSecret
	Gitlab *WebhookSecret
	HMAC   *WebhookHMAC
	Token  *WebhookToken
}

// WebhookSecret is what sender and gateway both know.
type WebhookSecret struct {
	SecretRef SecretKeyReference
}

// WebhookHMAC says where a sender puts its signature.
type WebhookHMAC struct {
	SecretRef       SecretKeyReference
	Header          string
	Prefix          string
	Encoding        SignatureEncoding
	TimestampHeader string
	SignedContent   string
	Tolerance       *metav1.Duration
}

// WebhookToken has no settings.
type WebhookToken struct{}

// SignatureEncoding says how a signature is written.
type SignatureEncoding string

const (
	// SignatureHex writes each byte as two digits.
	SignatureHex SignatureEncoding = "Hex"
	// SignatureBase64 is that of RFC 4648, with padding.
	SignatureBase64 SignatureEncoding = "Base64"
)

// SecretKeyReference names a value in a Secret of the webhook's namespace. The
// value under the same key with -previous behind it is valid as well, so that
// the secret can be changed while senders still use the old one. A line feed at
// its end does not count.
type SecretKeyReference struct {
	Name string
	Key  string
}

// RunTemplate gives the run that was observed, in expressions that give a
// string. There is no run where its name is empty.
type RunTemplate struct {
	Kind string
	Name string
	UID  string
	URL  string
}

// IssueWebhookStatus says whether deliveries are taken.
type IssueWebhookStatus struct {
	ObservedGeneration int64
	Conditions         []metav1.Condition
}
