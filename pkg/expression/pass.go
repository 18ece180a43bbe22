// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// functionPass is the name under which a pass through a loop is charged.
const functionPass = "@pass"

// pass is the condition of a loop, which is asked before each pass. CEL keeps the values of
// all passes until a loop ends, and searches them whenever a variable is read: the time of a
// loop would grow by the square of its passes, and its cost would not. So the condition takes
// the place of the loop's range among those values: it is charged as a call with the range, or
// with the condition of the pass before, and CEL forgets an argument and all that came after.
type pass struct {
	interpreter.InterpretableV2
	id int64
}

var _ interpreter.InterpretableCall = pass{}

func (pass) Function() string                      { return functionPass }
func (pass) OverloadID() string                    { return functionPass }
func (p pass) ID() int64                           { return p.id }
func (p pass) Args() []interpreter.InterpretableV2 { return []interpreter.InterpretableV2{p} }

// passPrice is of a pass. The first one has the range: where that is a map, CEL copies its
// keys, also for a loop that ends at once.
func passPrice(args []ref.Val) float64 {
	if keys, ok := args[0].(traits.Mapper); ok {
		return 1 + length(keys)
	}
	return 1
}

// chargePasses has the loops of an expression charged by their passes.
func chargePasses(checked *cel.Ast) interpreter.InterpretableDecoratorV2 {
	ranges := map[int64]int64{} // by the condition
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			loop := e.AsComprehension()
			ranges[loop.LoopCondition().ID()] = loop.IterRange().ID()
		}
	}))
	return func(node interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
		if id, ok := ranges[node.ID()]; ok {
			return pass{node, id}, nil
		}
		return node, nil
	}
}
