// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// Expression is one compiled field of an object. It can be used concurrently.
type Expression struct {
	path    *field.Path
	program cel.Program
	// names are the variables that it reads.
	names []string
	// check returns a message about a value that the expression must not give. Optional.
	check func(value string) string
}

// source is one field of an object that holds an expression.
type source struct {
	path *field.Path
	text string
	want *cel.Type
	// check returns a message about a value that the expression must not give. Optional.
	check func(value string) string
}

// compile returns every error of the expression, with its line and column.
func (s source) compile(env *cel.Env) (*Expression, field.ErrorList) {
	parsed, issues := env.Parse(s.text)
	if issues != nil && issues.Err() != nil {
		return nil, s.faults(issues)
	}
	if errs := s.checkForm(parsed); len(errs) > 0 {
		return nil, errs
	}
	checked, issues := env.Check(parsed)
	if issues != nil && issues.Err() != nil {
		return nil, s.faults(issues)
	}
	if got := checked.OutputType(); !s.takes(got) {
		return nil, s.refused(1, 1, fmt.Sprintf("must give %s, but gives %s", nameOf(s.want), got))
	}
	if message := s.checkConstant(checked); message != "" {
		return nil, s.refused(1, 1, message)
	}
	if message := checkCost(env, checked); message != "" {
		return nil, s.refused(1, 1, message)
	}
	program, err := programOf(env, checked)
	if err != nil {
		return nil, s.refused(1, 1, err.Error())
	}
	return &Expression{path: s.path, program: program, names: namesIn(checked), check: s.check}, nil
}

func programOf(env *cel.Env, checked *cel.Ast, more ...cel.ProgramOption) (cel.Program, error) {
	return env.Program(checked, append(more,
		cel.InterruptCheckFrequency(celconfig.CheckFrequency), cel.CustomDecoratorV2(chargePasses(checked)))...)
}

// namesIn are the variables that an expression reads.
func namesIn(checked *cel.Ast) []string {
	var names []string
	for _, reference := range checked.NativeRep().ReferenceMap() {
		if reference.Name != "" {
			names = append(names, reference.Name)
		}
	}
	return names
}

// takes leaves what is known at evaluation only to evaluation.
func (s source) takes(got *cel.Type) bool {
	return got.Kind() == s.want.Kind() || got.Kind() == types.DynKind
}

// nameOf leaves out of what a list may be.
func nameOf(kind *cel.Type) string {
	if kind.Kind() == types.ListKind {
		return "list"
	}
	return kind.String()
}

// faults puts those about the whole expression, which have no place, at its begin.
func (s source) faults(issues *cel.Issues) field.ErrorList {
	var errs field.ErrorList
	for _, fault := range issues.Errors() {
		line, column := max(1, fault.Location.Line()), max(1, fault.Location.Column()+1)
		errs = append(errs, s.refused(line, column, fault.Message)...)
	}
	return errs
}

func (s source) refused(line, column int, message string) field.ErrorList {
	return field.ErrorList{field.Invalid(s.path, s.text, fmt.Sprintf("line %d, column %d: %s", line, column, message))}
}

// checkConstant checks what does not depend on variables.
func (s source) checkConstant(checked *cel.Ast) string {
	root := checked.NativeRep().Expr()
	if s.check == nil || root.Kind() != ast.LiteralKind {
		return ""
	}
	value, ok := root.AsLiteral().Value().(string)
	if !ok {
		return ""
	}
	return s.check(value)
}
