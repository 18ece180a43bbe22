// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/decls"
	"github.com/google/cel-go/common/functions"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// guard lets the functions that have a price refuse what costs more than a program may.
// Without it they are charged when their time and memory is gone.
func guard(env *cel.Env) (*cel.Env, error) {
	var options []cel.EnvOption
	for name, price := range prices {
		if name == functionMatches {
			continue // by newMatches
		}
		function := env.Functions()[name]
		bindings, err := function.Bindings()
		if err != nil {
			return nil, err
		}
		for _, overload := range function.OverloadDecls() {
			call := binding(bindings, overload.ID())
			options = append(options, cel.Function(name, guarded(overload, refuseCostly(name, price, call))))
		}
	}
	return env.Extend(options...)
}

// refuseCostly makes a call unless it would cost more than a program may.
func refuseCostly(name string, price func([]ref.Val) float64, call functions.FunctionOp) functions.FunctionOp {
	return func(args ...ref.Val) ref.Val {
		if price(args) > maxEstimate {
			return types.NewErr("%s would cost more than an expression is allowed", name)
		}
		return call(args...)
	}
}

// guarded is the overload with another function.
func guarded(overload *decls.OverloadDecl, call functions.FunctionOp) cel.FunctionOpt {
	declare := cel.Overload
	if overload.IsMemberFunction() {
		declare = cel.MemberOverload
	}
	return declare(overload.ID(), overload.ArgTypes(), overload.ResultType(), cel.FunctionBinding(call))
}

// binding is the function of an overload.
func binding(bindings []*functions.Overload, id string) functions.FunctionOp {
	for _, b := range bindings {
		switch {
		case b.Operator != id:
		case b.Unary != nil:
			return func(args ...ref.Val) ref.Val { return b.Unary(args[0]) }
		case b.Binary != nil:
			return func(args ...ref.Val) ref.Val { return b.Binary(args[0], args[1]) }
		default:
			return b.Function
		}
	}
	return nil
}

// functionMake is the name under which the making of a list or map is charged.
const functionMake = "@make"

// made is a list or map of an expression, which is charged as a call. CEL's own price is the
// same for all sizes, so that ten of lists within lists can be a billion values to read.
type made struct {
	interpreter.InterpretableConstructor
}

var _ interpreter.InterpretableCall = made{}

func (made) Function() string                      { return functionMake }
func (made) OverloadID() string                    { return functionMake }
func (m made) Args() []interpreter.InterpretableV2 { return m.InitVals() }

// charge has lists and maps charged that are no constants, which a program holds ready, and
// patterns.
func charge(node interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	switch node := node.(type) {
	case interpreter.InterpretableConstructor:
		if !constant(node.InitVals()) {
			return made{node}, nil
		}
	case interpreter.InterpretableCall:
		switch node.Function() {
		case functionMatches:
			return newMatches(node), nil
		case functionFind, functionFindAll:
			return regexCall{node}, nil
		}
	}
	return node, nil
}

func constant(nodes []interpreter.InterpretableV2) bool {
	for _, node := range nodes {
		if _, ok := node.(interpreter.InterpretableConst); !ok {
			return false
		}
	}
	return true
}
