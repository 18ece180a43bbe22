// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkForm refuses what must not be compiled, since that would take time and memory without
// an end: maps whose types grow by their keys, each time to the double, and patterns that are
// too large.
func (s source) checkForm(parsed *cel.Ast) field.ErrorList {
	var errs field.ErrorList
	tree := parsed.NativeRep()
	refuse := func(at ast.Expr, message string) {
		place := tree.SourceInfo().GetStartLocation(at.ID())
		errs = append(errs, s.refused(max(1, place.Line()), max(1, place.Column()+1), message)...)
	}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() { //nolint:exhaustive // all others are as large as their text
		case ast.MapKind:
			for _, entry := range e.AsMap().Entries() {
				if key := entry.AsMapEntry().Key(); !isKey(key) {
					refuse(key, "a map's key must be a literal, or string(...)")
				}
			}
		case ast.CallKind:
			if message := checkPattern(e.AsCall()); message != "" {
				refuse(e, message)
			}
		}
	}))
	return errs
}

func isKey(e ast.Expr) bool {
	return e.Kind() == ast.LiteralKind || e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "string"
}

// checkPattern finds patterns that are literals; others are found when they are used.
func checkPattern(call ast.CallExpr) string {
	switch call.FunctionName() {
	case functionMatches, functionFind, functionFindAll:
	default:
		return ""
	}
	for _, arg := range call.Args() {
		if arg.Kind() != ast.LiteralKind {
			continue
		}
		if pattern, ok := arg.AsLiteral().Value().(string); ok {
			if _, message := instructions(pattern); message != "" {
				return message
			}
		}
	}
	return ""
}
