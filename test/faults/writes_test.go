// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import "fmt"

// checkWrites compares the answers to writes with the truth: what was acknowledged is
// there under the revision that was told, what was refused is not, and nothing is there
// that nobody asked for.
func checkWrites(h *history) []string {
	var wrong []string
	asked := map[string]*operation{}
	deletedAt := map[int64]*operation{}
	mayHaveDeleted := map[string]int{}
	for _, o := range h.ops {
		switch {
		case o.Verb == remove && o.Result == ok:
			deletedAt[o.reply.Revision] = o
		case o.Verb == remove && o.Result == unknown:
			mayHaveDeleted[o.Key]++
		case o.writes() && o.Verb != remove:
			asked[o.request.Value] = o
		}
	}
	for _, c := range h.events {
		switch o := asked[c.Value]; {
		case c.Void:
		case c.Deleted && deletedAt[c.Revision] != nil:
			wrong = append(wrong, compareDeletion(c, deletedAt[c.Revision])...)
			delete(deletedAt, c.Revision)
		case c.Deleted && mayHaveDeleted[c.Key] > 0:
			mayHaveDeleted[c.Key]--
		case c.Deleted || o == nil:
			wrong = append(wrong, fmt.Sprintf("nobody caused %+v", c))
		default:
			wrong = append(wrong, compareWrite(c, o)...)
			delete(asked, c.Value)
		}
	}
	for _, o := range asked {
		if o.Result == ok {
			wrong = append(wrong, "acknowledged and lost: "+describe(o))
		}
	}
	for _, o := range deletedAt {
		wrong = append(wrong, "acknowledged and lost: "+describe(o))
	}
	return wrong
}

func compareDeletion(c change, o *operation) []string {
	if c.Key != o.Key || c.Before != o.reply.Value {
		return []string{fmt.Sprintf("%s, but %+v", describe(o), c)}
	}
	return nil
}

func compareWrite(c change, o *operation) []string {
	replaced := c.Prev
	switch o.Verb {
	case create:
		replaced = 0
	case cas:
		replaced = o.request.Revision
	case update:
		if o.Result == ok {
			replaced = o.Read
		}
	default:
	}
	answered := o.Result == unknown || o.Result == ok && o.reply.Revision == c.Revision
	if c.Key != o.Key || c.Prev != replaced || !answered {
		return []string{fmt.Sprintf("%s, but %+v", describe(o), c)}
	}
	return nil
}
