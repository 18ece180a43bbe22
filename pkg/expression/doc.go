// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package expression is the language of monitors and webhooks: CEL with Kubernetes'
// libraries. It compiles an author's expressions, with the place of every error and a
// limit of cost, and evaluates them to what is reported. It reads and writes nothing.
package expression
