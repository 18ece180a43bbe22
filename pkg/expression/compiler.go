// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxExpression is the markers' limit in bytes. What is longer is not compiled.
const maxExpression = 4096

// maxTogether bounds in bytes what one object's expressions need while they are kept compiled:
// some 16 times as much.
const maxTogether = 32 * 1024

// Compiler compiles the expressions of one object, and collects their errors. An absent
// expression is a nil *Expression, and so is one that is too long, which markers refuse.
type Compiler struct {
	language *Language
	errs     field.ErrorList
	size     int
	reads    map[string]bool
}

// Compiler returns one without errors.
func (l *Language) Compiler() *Compiler { return &Compiler{language: l, reads: map[string]bool{}} }

// Errors are those of every expression: its field, and in the message its line and column.
func (c *Compiler) Errors() field.ErrorList { return c.errs }

// Reads says whether an expression reads a variable.
func (c *Compiler) Reads(variable string) bool { return c.reads[variable] }

// Boolean compiles a condition.
func (c *Compiler) Boolean(text string, path *field.Path) *Expression {
	return c.compile(source{path: path, text: text, want: cel.BoolType})
}

// Text compiles an expression that gives a string. Check, if there is one, returns a
// message about a value that it must not give.
func (c *Compiler) Text(text string, path *field.Path, check func(value string) string) *Expression {
	return c.compile(source{path: path, text: text, want: cel.StringType, check: check})
}

// List compiles an expression that gives a list of anything.
func (c *Compiler) List(text string, path *field.Path) *Expression {
	return c.compile(source{path: path, text: text, want: cel.ListType(cel.DynType)})
}

func (c *Compiler) compile(s source) *Expression {
	if s.text == "" || len(s.text) > maxExpression {
		return nil
	}
	if c.size += len(s.text); c.size > maxTogether {
		c.errs = append(c.errs, field.Invalid(s.path, field.OmitValueType{}, fmt.Sprintf("the expressions have more than %d bytes together", maxTogether)))
		return nil
	}
	out, errs := s.compile(c.language.env)
	c.errs = append(c.errs, errs...)
	if out == nil {
		return nil
	}
	for _, name := range out.names {
		c.reads[name] = true
	}
	return out
}
