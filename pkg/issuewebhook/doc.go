// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package issuewebhook compiles the expressions of IssueWebhook, and makes reports of
// deliveries with them. The server compiles them to refuse bad ones, kite-gateway to
// evaluate them: in one language, with one set of limits. It reads and writes nothing.
package issuewebhook
