// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"strings"
	"time"
)

// maxValueBytes bounds one stored object. etcd's default request limit is 1.5 MiB;
// what a person reads needs far less.
const maxValueBytes = 1 << 20

// version is an object's stored bytes and the revision that wrote them. The zero
// value is an object that does not exist.
type version struct {
	rev   int64
	value []byte
}

func (v version) exists() bool { return v.rev > 0 }

// operation is one conditional write: it is applied when the key's revision is
// expect and no other object holds claim.
type operation struct {
	delete bool
	key    string
	// expect is the revision that the caller saw; 0 means that the key must not exist.
	expect int64
	// before is the stored value at expect, where the caller read it.
	before []byte
	value  []byte
	// claim is what the object will hold, held what it holds now. Nil means none.
	claim, held []byte
	// ttl is how long the object lives from the commit on; 0 is for ever.
	ttl time.Duration
	// room is how many objects of the key's folder may hold a claim; 0 is any number.
	room int64
	// row is the object's projection, one value for each column of its projection. Nil
	// when it must have none, because it is stored encrypted. Shape is how many additions
	// to the projection it knows.
	row   []string
	shape int16
	// entry is what the journal is to say. Nil when that stays as it is.
	entry []string

	queuedAt time.Time
	// number is the operation's place among all that were queued, takenAt the newest
	// number when a writer took it.
	number, takenAt int64
	done            chan outcome
}

// outcome is the answer to one operation. When none of err, rev, holder and full is set,
// the key's revision was not the expected one.
type outcome struct {
	err error
	// rev is the operation's revision, when it was applied.
	rev int64
	// holder is the key of the object that holds the claim, when that refused it.
	holder string
	// full says that the folder's room refused it, with so many objects that hold a claim.
	full bool
	held int64
	// current is the stored version; known tells whether it was returned.
	current version
	known   bool
}

func (o outcome) applied() bool { return o.err == nil && o.rev > 0 }

// unexplained says that an operation was refused in a batch whose answer was lost: by
// its key or by its claim.
func (o outcome) unexplained() bool {
	return !o.applied() && o.holder == "" && !o.full && !o.known && !o.current.exists()
}

func (op *operation) size() int { return len(op.value) + len(op.key) + 256 }

// folder is the key up to its last slash.
func (op *operation) folder() string { return folderOf(op.key) }

func folderOf(key string) string { return key[:max(0, strings.LastIndexByte(key, '/'))] }

// resources are what two operations of one batch must not share: PostgreSQL writes a
// row once a statement, and the order in which claims change hands must be visible.
func (op *operation) resources() []string {
	names := make([]string, 1, 3)
	names[0] = "key " + op.key
	if op.claim != nil {
		names = append(names, "claim "+string(op.claim))
	}
	if op.held != nil && string(op.held) != string(op.claim) {
		names = append(names, "claim "+string(op.held))
	}
	return names
}
