// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package webhook takes deliveries for IssueWebhooks.
//
//	POST /webhooks/NAMESPACE/NAME
//
// Their senders show that they know a secret, or send a token of the cluster. A delivery is
// answered when the API has taken every report of it. The package also says in the status of
// each webhook whether deliveries are taken.
package webhook
