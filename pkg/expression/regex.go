// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"math"
	"regexp/syntax"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

const (
	functionMatches = "matches"
	functionFind    = "find"
	functionFindAll = "findAll"

	// A pattern takes as long for each byte of a text as it has instructions. Repetitions
	// make many of few bytes.
	maxPattern      = 1024
	maxInstructions = 10_000
)

// instructions is the length of a pattern's program; 0 where it is no pattern, which the call
// says. The message is about one that is too large.
func instructions(pattern string) (count int, message string) {
	if len(pattern) > maxPattern {
		return 0, fmt.Sprintf("the pattern has more than %d bytes", maxPattern)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, ""
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, ""
	}
	if count = len(program.Inst); count > maxInstructions {
		return count, fmt.Sprintf("the pattern is too complex: it has %d instructions, more than %d", count, maxInstructions)
	}
	return count, ""
}

// priceRegex is of a text that is read to its end, and of as many matches.
func priceRegex(args []ref.Val) float64 {
	pattern, _ := args[1].(types.String)
	count, message := instructions(string(pattern))
	if message != "" {
		return math.MaxFloat64
	}
	return float64(count) + (weight(args[0])+1)*(float64(count)+readPerUnit)/readPerUnit
}

// regexCall hides from CEL what it is: a constant pattern would be compiled once, and its call
// would go past its price.
type regexCall struct{ interpreter.InterpretableCall }

// hidden is before the name of a call that CEL must not know.
const hidden = "@"

func (c regexCall) Function() string { return hidden + c.InterpretableCall.Function() }
func (regexCall) OverloadID() string { return "" }

// newMatches is the call of a function of which CEL lets nobody replace the overloads.
func newMatches(call interpreter.InterpretableCall) interpreter.InterpretableCall {
	return interpreter.NewCall(call.ID(), hidden+functionMatches, "", call.Args(), refuseCostly(functionMatches, priceRegex, func(args ...ref.Val) ref.Val {
		text, ok := args[0].(traits.Matcher)
		if !ok {
			return types.MaybeNoSuchOverloadErr(args[0])
		}
		return text.Match(args[1])
	}))
}
