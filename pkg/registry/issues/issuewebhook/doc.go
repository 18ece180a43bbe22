// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package issuewebhook stores IssueWebhook. It refuses webhooks whose author may not report
// what they would report.
package issuewebhook
