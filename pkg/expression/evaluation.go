// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/clock"
)

// Error is an expression that gave no value.
type Error struct {
	// Path is the expression's field.
	Path *field.Path
	Err  error
}

// Error implements error.
func (e *Error) Error() string { return e.Path.String() + ": " + e.Err.Error() }

// Unwrap gives what evaluation said.
func (e *Error) Unwrap() error { return e.Err }

// ErrBudget is within the error of the expression that used the rest of a budget up, and
// of all after it.
var ErrBudget = errors.New("the expressions cost too much together")

// maxTime is what all expressions of a budget may take, should a price be wrong: what they may
// cost takes less than a second.
const maxTime = 5 * time.Second

// errTime is an ErrBudget, too: what comes after has the rest of the time, which is none.
var errTime = fmt.Errorf("%w: they took more than %s; go through shorter lists or texts", ErrBudget, maxTime)

// Budget is what expressions may cost together, and the time that they may take. It is used by
// one goroutine.
type Budget struct {
	left  uint64
	time  time.Duration
	clock clock.PassiveClock
}

// NewBudget returns one of limit units, of which 10,000,000 take about a second.
func NewBudget(limit uint64) *Budget { return &Budget{limit, maxTime, clock.RealClock{}} }

func (b *Budget) spend(cost uint64) error {
	if cost > b.left {
		b.left = 0
		return ErrBudget
	}
	b.left -= cost
	return nil
}

// Evaluation evaluates expressions with the values of their variables. It is used by one
// goroutine. Errors are of type *Error.
type Evaluation struct {
	variables map[string]any
	budget    *Budget
}

// Evaluate begins an evaluation at the cost of the budget.
func (b *Budget) Evaluate(variables map[string]any) *Evaluation { return &Evaluation{variables, b} }

func (e *Evaluation) value(ctx context.Context, x *Expression) (ref.Val, error) {
	if e.budget.left == 0 || e.budget.time <= 0 {
		return nil, &Error{x.path, ErrBudget}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, e.budget.time, errTime)
	defer cancel()
	began := e.budget.clock.Now()
	out, details, err := x.program.ContextEval(ctx, e.variables)
	e.budget.time -= e.budget.clock.Since(began)
	if err != nil {
		err = &Error{x.path, explained(err)}
	}
	if details == nil || details.ActualCost() == nil {
		return out, err
	}
	if spent := e.budget.spend(*details.ActualCost()); spent != nil && err == nil {
		err = &Error{x.path, spent}
	}
	return out, err
}

// explained says what an author can do about an expression that was ended.
func explained(err error) error {
	if errors.Is(err, errTime) {
		return errTime
	}
	if ended, ok := errors.AsType[interpreter.EvalCancelledError](err); ok && ended.Cause == interpreter.CostLimitExceeded {
		return fmt.Errorf("%w: an expression may cost %d units; nest fewer loops, or go through shorter lists or texts", err, maxEstimate)
	}
	return err
}

// Boolean gives an absent expression the value that it has otherwise.
func (e *Evaluation) Boolean(ctx context.Context, x *Expression, otherwise bool) (bool, error) {
	if x == nil {
		return otherwise, nil
	}
	value, err := e.value(ctx, x)
	if err != nil {
		return false, err
	}
	out, ok := value.Value().(bool)
	if !ok {
		return false, x.gave(value, "a boolean")
	}
	return out, nil
}

// Text gives an absent expression the empty string. It leaves U+0000 out, which no issue
// can hold.
func (e *Evaluation) Text(ctx context.Context, x *Expression) (string, error) {
	if x == nil {
		return "", nil
	}
	value, err := e.value(ctx, x)
	if err != nil {
		return "", err
	}
	out, ok := value.Value().(string)
	if !ok {
		return "", x.gave(value, "a string")
	}
	out = strings.ReplaceAll(out, "\x00", "")
	if x.check != nil {
		if message := x.check(out); message != "" {
			return "", &Error{x.path, errors.New(message)}
		}
	}
	return out, nil
}

// List gives what a list of at most limit members holds, as other expressions take it for
// the value of a variable. The expression must not be absent.
func (e *Evaluation) List(ctx context.Context, x *Expression, limit int) ([]any, error) {
	value, err := e.value(ctx, x)
	if err != nil {
		return nil, err
	}
	list, ok := value.(traits.Lister)
	if !ok {
		return nil, x.gave(value, "a list")
	}
	var out []any
	for members := list.Iterator(); members.HasNext().Value() == true; {
		if len(out) == limit {
			return nil, &Error{x.path, fmt.Errorf("gave more than %d items", limit)}
		}
		out = append(out, members.Next())
	}
	return out, nil
}

func (x *Expression) gave(value ref.Val, want string) error {
	return &Error{x.path, fmt.Errorf("gave %s, not %s", value.Type().TypeName(), want)}
}

// Target is where the value of an expression goes.
type Target struct {
	From *Expression
	To   *string
}

// Texts stops at the first error.
func (e *Evaluation) Texts(ctx context.Context, targets ...Target) error {
	for _, t := range targets {
		value, err := e.Text(ctx, t.From)
		if err != nil {
			return err
		}
		*t.To = value
	}
	return nil
}
