// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/interpreter"
)

// Within sets how long the expressions may take together.
func (b *Budget) Within(limit time.Duration) *Budget {
	b.time = limit
	return b
}

// Time is what is left of it.
func (b *Budget) Time() time.Duration { return b.time }

// Kept is how many values CEL keeps at most, while it evaluates an expression, to know what
// calls cost, and what the expression costs.
func (l *Language) Kept(text string, variables map[string]any) (values int, cost uint64, err error) {
	checked, issues := l.env.Compile(text)
	if issues.Err() != nil {
		return 0, 0, issues.Err()
	}
	program, err := programOf(l.env, checked, cel.CustomDecoratorV2(func(node interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
		if call, ok := node.(interpreter.InterpretableCall); ok && call.Function() == "type" {
			return probe{call, &values}, nil
		}
		return node, nil
	}))
	if err != nil {
		return 0, 0, err
	}
	_, details, err := program.Eval(variables)
	return values, *details.ActualCost(), err
}

// probe is a call with one argument more than it has: CEL compares that with all that it keeps.
type probe struct {
	interpreter.InterpretableCall
	most *int
}

func (p probe) Args() []interpreter.InterpretableV2 {
	return append(p.InterpretableCall.Args(), &absent{most: p.most})
}

// absent counts how often it was asked for.
type absent struct {
	interpreter.InterpretableV2
	asked int
	most  *int
}

func (a *absent) ID() int64 {
	a.asked++
	*a.most = max(*a.most, a.asked)
	return -1
}
