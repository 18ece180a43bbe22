// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

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

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:supportsSubresource="/status"

// IssueWebhook takes JSON from programs that know nothing of Kubernetes, and
// reports what it tells to its own namespace. Senders post to
// /webhooks/NAMESPACE/NAME of kite-gateway. Whoever writes its spec needs the
// right to create issuereports there.
type IssueWebhook struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says who may send, and what a delivery means.
	// +optional
	Spec IssueWebhookSpec `json:"spec,omitempty"`

	// status says whether deliveries are taken.
	// +optional
	Status IssueWebhookStatus `json:"status,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueWebhookList is a list of webhooks.
type IssueWebhookList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list's metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the webhooks.
	Items []IssueWebhook `json:"items"`
}

// IssueWebhookSpec says who may send, and what a delivery means. Expressions are
// CEL, with Kubernetes' libraries and three variables: body is what was sent,
// headers are the request's by their names in lower case, without those that
// carry secrets or signatures, and item is one of the items that the delivery
// tells of. An expression has at most 4096 bytes.
type IssueWebhookSpec struct {
	// authentication says how a sender shows that it may send.
	// +required
	Authentication WebhookAuthentication `json:"authentication"`

	// ignore is true for deliveries that tell of nothing. Asked first; it
	// knows no item.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Ignore string `json:"ignore,omitempty"`

	// items gives a list of at most 100 items, each of which is a failure, a
	// recovery or neither. Defaults to the body as the only item.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Items string `json:"items,omitempty"`

	// failed is true for an item that is a failure. At least one of failed and
	// succeeded is required.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Failed string `json:"failed,omitempty"`

	// succeeded is true for an item that is a recovery. Asked when failed is
	// false. An item that is neither changes nothing.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Succeeded string `json:"succeeded,omitempty"`

	// observedAt gives when the observation was made, in the form of RFC 3339.
	// Defaults to when the delivery arrived.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	ObservedAt string `json:"observedAt,omitempty"`

	// idempotencyKey gives what deliveries of one observation have in common,
	// where run gives no uid. Defaults to the header X-GitHub-Delivery for
	// senders like GitHub, and otherwise to the header Idempotency-Key.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	IdempotencyKey string `json:"idempotencyKey,omitempty"`

	// reason gives in CamelCase why the state changes, such as
	// PullRequestClosed.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Reason string `json:"reason,omitempty"`

	// run is the run that was observed.
	// +optional
	// +k8s:optional
	Run *RunTemplate `json:"run,omitempty"`

	// logExcerpt gives the part of the log that shows the failure. Its last 8
	// KiB are kept.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	LogExcerpt string `json:"logExcerpt,omitempty"`

	// issue is what is reported. A recovery has its type, scope, stage and key
	// only.
	// +required
	// +k8s:subfield(scope)=+k8s:required
	Issue IssueTemplate `json:"issue"`
}

// WebhookAuthentication says how a sender shows that it may send. Exactly one
// member is set.
type WebhookAuthentication struct {
	// github takes deliveries with a signature in the header
	// X-Hub-Signature-256, as GitHub, Gitea and Forgejo send it.
	// +optional
	// +k8s:optional
	// +k8s:unionMember
	Github *WebhookSecret `json:"github,omitempty"`

	// gitlab takes deliveries with the secret itself in the header
	// X-Gitlab-Token, as GitLab sends it.
	// +optional
	// +k8s:optional
	// +k8s:unionMember
	Gitlab *WebhookSecret `json:"gitlab,omitempty"`

	// hmac takes deliveries with an HMAC-SHA256 of the body in a header.
	// +optional
	// +k8s:optional
	// +k8s:unionMember
	HMAC *WebhookHMAC `json:"hmac,omitempty"`

	// token takes deliveries with a token of the cluster as bearer token. The
	// reports are the sender's own, and need its right to create issuereports.
	// +optional
	// +k8s:optional
	// +k8s:unionMember
	Token *WebhookToken `json:"token,omitempty"`
}

// WebhookSecret is what sender and gateway both know.
type WebhookSecret struct {
	// secretRef names it.
	// +required
	SecretRef SecretKeyReference `json:"secretRef"`
}

// WebhookHMAC says where a sender puts its signature.
type WebhookHMAC struct {
	// secretRef names what sender and gateway both know.
	// +required
	SecretRef SecretKeyReference `json:"secretRef"`

	// header carries the signature, such as X-Signature. At most 64
	// characters.
	// +required
	// +k8s:required
	// +k8s:maxBytes=64
	Header string `json:"header"`

	// prefix stands before the signature, such as sha256=. At most 64 bytes.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=64
	Prefix string `json:"prefix,omitempty"`

	// encoding of the signature is Hex or Base64. Defaults to Hex.
	// +optional
	// +default="Hex"
	// +k8s:optional
	Encoding SignatureEncoding `json:"encoding,omitempty"`

	// timestampHeader carries when the delivery was signed, in seconds since
	// 1970. Without it a delivery that was overheard can be sent again.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=64
	TimestampHeader string `json:"timestampHeader,omitempty"`

	// signedContent is what is signed, where {body} and {timestamp} stand for
	// the body and the timestamp, such as v0:{timestamp}:{body} for Slack.
	// Defaults to {timestamp}.{body} with a timestamp, and otherwise to {body}.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=128
	SignedContent string `json:"signedContent,omitempty"`

	// tolerance is how far the timestamp may be from the gateway's clock.
	// Defaults to 5m; at most 1h.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Tolerance *metav1.Duration `json:"tolerance,omitempty"`
}

// WebhookToken has no settings.
type WebhookToken struct{}

// SignatureEncoding says how a signature is written.
// +enum
// +k8s:enum
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
	// name of the Secret.
	// +required
	// +k8s:required
	// +k8s:format=k8s-long-name
	Name string `json:"name"`

	// key of the value in the Secret.
	// +required
	// +k8s:required
	// +k8s:maxBytes=253
	Key string `json:"key"`
}

// RunTemplate gives the run that was observed, in expressions that give a
// string. There is no run where its name is empty.
type RunTemplate struct {
	// kind gives the kind of the run in CamelCase, such as WorkflowRun.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Kind string `json:"kind,omitempty"`

	// name gives the name of the run, by which the issue can be found.
	// +required
	// +k8s:required
	// +k8s:maxBytes=4096
	Name string `json:"name"`

	// uid gives what no other run has. A run counts once.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	UID string `json:"uid,omitempty"`

	// url gives an absolute http or https address.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	URL string `json:"url,omitempty"`
}

// IssueWebhookStatus says whether deliveries are taken.
type IssueWebhookStatus struct {
	// observedGeneration is the generation of the spec that the conditions
	// stand for.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready and SecretReadable.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=type
	// +k8s:maxItems=16
	// +k8s:eachVal=+k8s:opaqueType
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`
}
