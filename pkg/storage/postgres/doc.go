// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package postgres keeps Kubernetes API objects in PostgreSQL.
//
// An [Engine] knows keys, bytes and revisions: it writes in batches, feeds watches
// in revision order and trims history. A [Store] knows objects: it implements
// storage.Interface for one resource on top of an engine.
//
// Revisions are etcd's: one counter per schema, raised by one for each change, with
// no gaps. A write takes a transaction-scoped advisory lock, and in a second
// statement, whose snapshot is therefore younger than the lock, reads the counter
// and applies a whole batch. So the order of revisions is the order of commits and
// the order in which they become visible, on every replica.
package postgres
