// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// expression is one compiled field of a monitor.
type expression struct {
	path    *field.Path
	program cel.Program
	// check returns a message about a value that the issue could not have. Optional.
	check func(value string) string
}

// source is one field of a monitor that holds an expression.
type source struct {
	path *field.Path
	text string
	want *cel.Type
	// check returns a message about a value that the issue could not have. Optional.
	check func(value string) string
}

// compile returns every error of the expression, with its line and column.
func (s source) compile(env *cel.Env) (*expression, field.ErrorList) {
	checked, issues := env.Compile(s.text)
	if issues != nil && issues.Err() != nil {
		return nil, s.faults(issues)
	}
	if got := checked.OutputType(); !got.IsExactType(s.want) && !got.IsExactType(cel.DynType) {
		return nil, s.refused(1, 1, fmt.Sprintf("must give %s, but gives %s", s.want, got))
	}
	if message := s.checkConstant(checked); message != "" {
		return nil, s.refused(1, 1, message)
	}
	if message := checkCost(env, checked); message != "" {
		return nil, s.refused(1, 1, message)
	}
	program, err := env.Program(checked, cel.InterruptCheckFrequency(celconfig.CheckFrequency))
	if err != nil {
		return nil, s.refused(1, 1, err.Error())
	}
	return &expression{path: s.path, program: program, check: s.check}, nil
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

// checkConstant checks what does not depend on the object.
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

// Error is an expression that gave no value for an object.
type Error struct {
	// Path is the expression's field.
	Path *field.Path
	Err  error
}

// Error implements error.
func (e *Error) Error() string { return e.Path.String() + ": " + e.Err.Error() }

// Unwrap gives what evaluation said.
func (e *Error) Unwrap() error { return e.Err }

var errBudget = errors.New("the expressions of the monitor cost too much for this object")

// evaluation evaluates expressions for one object, and adds up what they cost.
type evaluation struct {
	variables map[string]any
	cost      uint64
}

func (e *evaluation) value(ctx context.Context, x *expression) (any, error) {
	out, details, err := x.program.ContextEval(ctx, e.variables)
	if details != nil && details.ActualCost() != nil {
		e.cost += *details.ActualCost()
	}
	switch {
	case err != nil:
		return nil, &Error{x.path, err}
	case e.cost > maxPerObject:
		return nil, &Error{x.path, errBudget}
	}
	return out.Value(), nil
}

// boolean gives an absent expression the value that it has otherwise.
func (e *evaluation) boolean(ctx context.Context, x *expression, otherwise bool) (bool, error) {
	if x == nil {
		return otherwise, nil
	}
	value, err := e.value(ctx, x)
	if err != nil {
		return false, err
	}
	out, ok := value.(bool)
	if !ok {
		return false, &Error{x.path, fmt.Errorf("gave %T, not a boolean", value)}
	}
	return out, nil
}

// text gives an absent expression the empty string.
func (e *evaluation) text(ctx context.Context, x *expression) (string, error) {
	if x == nil {
		return "", nil
	}
	value, err := e.value(ctx, x)
	if err != nil {
		return "", err
	}
	out, ok := value.(string)
	if !ok {
		return "", &Error{x.path, fmt.Errorf("gave %T, not a string", value)}
	}
	if x.check != nil {
		if message := x.check(out); message != "" {
			return "", &Error{x.path, errors.New(message)}
		}
	}
	return out, nil
}
