// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package signature decides whether a sender knows a secret, in constant time. It reads and
// writes nothing, and its errors hold nothing of secrets and signatures.
package signature
