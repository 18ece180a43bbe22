// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"math"
	"time"

	"github.com/anishathalye/porcupine"
)

// Each key is a register with a revision. What its clients were told must fit one order
// of the operations in which each takes effect between its call and its answer.

// register is the state of one key.
type register struct {
	rev   int64 // 0: absent
	value string
	// last is the newest change's revision: the next one's is greater.
	last int64
}

// linearTimeout bounds the search of one history. It is not needed when all is well.
const linearTimeout = time.Minute

func checkLinear(h *history) []string {
	model := (&porcupine.NondeterministicModel{
		Init:              func() []any { return []any{register{}} },
		Step:              func(state, input, _ any) []any { return step(state.(register), input.(*operation)) },
		DescribeOperation: func(input, _ any) string { return describe(input.(*operation)) },
	}).ToModel()
	var wrong []string
	for key, ops := range linearOperations(h) {
		if result := porcupine.CheckOperationsTimeout(model, ops, linearTimeout); result != porcupine.Ok {
			wrong = append(wrong, fmt.Sprintf("the %d operations on %s are not linearizable (%s)", len(ops), key, result))
		}
	}
	return wrong
}

// linearOperations sorts by key what the register is to explain. An operation whose
// outcome is unknown has until the end of time. A refused one has not happened: a trace
// of it contradicts the others. An unknown write happened if the truth, which has every
// value, has its value; an unknown deletion may have happened or not.
func linearOperations(h *history) map[string][]porcupine.Operation {
	written := map[string]int64{}
	for _, c := range h.events {
		if !c.Void && !c.Deleted {
			written[c.Value] = c.Revision
		}
	}
	byKey := map[string][]porcupine.Operation{}
	for _, o := range h.ops {
		if !o.writes() && o.Verb != get || o.Result == refused || o.Result == unknown && o.Verb == get {
			continue
		}
		end := o.end
		if o.Result == unknown {
			settled := *o
			rev, known := written[o.request.Value]
			if !known && o.Verb != remove {
				continue
			}
			settled.reply.Revision = rev
			o, end = &settled, math.MaxInt64
		}
		byKey[o.Key] = append(byKey[o.Key], porcupine.Operation{ClientId: o.client, Input: o, Call: o.call, Return: end})
	}
	return byKey
}

// step returns the states in which an operation with its answer may leave a register.
func step(s register, o *operation) []any {
	switch {
	case o.Result == unknown && o.Verb == remove:
		return append(apply(s, o), s)
	case o.writes() && (o.Result == ok || o.Result == unknown):
		return apply(s, o)
	}
	if legalAnswer(s, o) {
		return []any{s}
	}
	return nil
}

// apply makes a write that had effect.
func apply(s register, o *operation) []any {
	rev := o.reply.Revision
	next := register{rev: rev, value: o.request.Value, last: rev}
	legal := rev > s.last
	switch o.Verb {
	case create:
		legal = legal && s.rev == 0
	case cas:
		legal = legal && s.rev != 0 && s.rev == o.request.Revision
	case update:
		legal = legal && s.rev != 0 && (o.Result == unknown || s.rev == o.Read)
	case remove:
		next = register{last: rev}
		if o.Result == unknown { // the truth cannot tell which deletion this was
			legal, next.last = s.rev != 0, s.last
			break
		}
		legal = legal && s.rev != 0 && s.value == o.reply.Value
	default:
	}
	if !legal {
		return nil
	}
	return []any{next}
}

// legalAnswer tells whether an operation without effect may be answered so.
func legalAnswer(s register, o *operation) bool {
	switch o.Result {
	case ok: // a get
		return s.rev == o.reply.Revision && s.value == o.reply.Value
	case exists:
		return s.rev != 0
	case notFound:
		return s.rev == 0
	case conflict:
		return s.rev != 0 && s.rev != o.request.Revision
	default:
		return false
	}
}

func describe(o *operation) string {
	return fmt.Sprintf("%s(%s %s %d): %s %d %s", o.Verb, o.Key, o.request.Value, o.request.Revision, o.Result, o.reply.Revision, o.reply.Value)
}
