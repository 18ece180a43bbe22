// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

// The engine process reads requests and writes replies, one JSON object a line. Any
// number of requests may be under way; a reply names its request.

type verb string

const (
	create   verb = "create"
	cas      verb = "cas"    // writes if the object has the expected revision
	update   verb = "update" // writes whatever is there, atomically
	remove   verb = "delete"
	get      verb = "get"
	list     verb = "list"
	current  verb = "current" // the newest revision
	watching verb = "watch"
	cancel   verb = "cancel" // ends the watch of request Target
	compact  verb = "compact"
)

type request struct {
	ID   int64
	Verb verb
	// Key is a pod's name; of a watch it may be empty: all pods.
	Key string
	// Value is unique to the write.
	Value string
	// Revision is what a cas expects, where a watch starts, what a list shows (0: the
	// newest), up to where is compacted.
	Revision int64
	// Limit makes a list take pages of so many.
	Limit int64
	// Target is the request to cancel.
	Target int64
}

type result string

const (
	ok       result = "ok"
	exists   result = "exists"
	notFound result = "not found"
	conflict result = "conflict"
	refused  result = "refused" // 503 or 429: provably not done
	unknown  result = "unknown" // 504: done or not
	expired  result = "expired" // 410
	failed   result = "failed"  // nothing that may happen
	// Of watches only.
	streaming result = "event"
	ended     result = "ended"
	lost      result = "lost" // with its process
)

type reply struct {
	ID      int64
	Result  result
	Message string `json:",omitempty"`
	// Revision is what a write got, what an object has, what a list shows.
	Revision int64 `json:",omitempty"`
	// Read is the revision that an update replaced.
	Read  int64  `json:",omitempty"`
	Value string `json:",omitempty"`
	Items []item `json:",omitempty"`
	Event *event `json:",omitempty"`
}

// item is one object, or one version of it.
type item struct {
	Key      string
	Revision int64
	Value    string
}

// event is what a watch says: ADDED, MODIFIED, DELETED (with the value before) or BOOKMARK.
type event struct {
	Type string
	item
}
