// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"kite.dev/kite/pkg/expression"
)

const (
	// maxPerObject is the cost of all expressions together that judge an object, or
	// describe its issue: 0.1 to 0.5 s.
	maxPerObject = celconfig.RuntimeCELCostBudgetMatchConditions
	// maxForItems is the cost of all that judges the members of forEach: 0.2 to 1 s.
	maxForItems = 2 * maxPerObject

	// MaxItems is how many members forEach may give.
	MaxItems = 100
)

// Error is an expression that gave no value for an object.
type Error = expression.Error

// UnwatchedNamespace is Kite's own, which holds its credentials. No monitor may watch it,
// not even one of all namespaces.
const UnwatchedNamespace = "kite-system"

// Verdict is what a monitor says about an object.
type Verdict string

const (
	// Ignored objects are left alone.
	Ignored Verdict = "Ignored"
	// Failing objects have the problem.
	Failing Verdict = "Failing"
	// Recovered objects have it no more.
	Recovered Verdict = "Recovered"
	// Undecided objects change nothing.
	Undecided Verdict = "Undecided"
)

// Input is what expressions see.
type Input struct {
	Object *unstructured.Unstructured
	Owner  Owner

	item any
	// budget is shared by the items of an object. Without one, each question has its own.
	budget *expression.Budget
}

func (m *Monitor) evaluation(in Input) *expression.Evaluation {
	if in.budget == nil {
		in.budget = expression.NewBudget(maxPerObject)
	}
	return in.budget.Evaluate(map[string]any{
		variableObject: in.Object.Object,
		variableOwner:  in.Owner.value(),
		variableItem:   in.item,
		variableTable:  m.table,
	})
}

// Items gives what is to be asked for: the object, or each member of forEach. What is
// asked of them may cost so much together.
func (m *Monitor) Items(ctx context.Context, in Input) ([]Input, error) {
	if m.forEach == nil {
		return []Input{in}, nil
	}
	in.budget = expression.NewBudget(maxForItems)
	items, err := m.evaluation(in).List(ctx, m.forEach, MaxItems)
	if err != nil {
		return nil, err
	}
	out := make([]Input, 0, len(items))
	for _, item := range items {
		in.item = item
		out = append(out, in)
	}
	return out, nil
}

// Judge says how an object is doing. An error is an *Error, and leaves it open.
func (m *Monitor) Judge(ctx context.Context, in Input) (Verdict, error) {
	e := m.evaluation(in)
	for _, question := range []struct {
		asked     *expression.Expression
		otherwise bool
		verdict   Verdict
	}{
		{m.ignore, false, Ignored},
		{m.failing, false, Failing},
		{m.recovered, true, Recovered},
	} {
		yes, err := e.Boolean(ctx, question.asked, question.otherwise)
		if err != nil {
			return "", err
		}
		if yes {
			return question.verdict, nil
		}
	}
	return Undecided, nil
}

// ObservedAt is when the object came to be as Judge says, by its own account. It is zero
// where that is not known. An error is an *Error.
func (m *Monitor) ObservedAt(ctx context.Context, in Input) (time.Time, error) {
	text, err := m.evaluation(in).Text(ctx, m.observedAt)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, text) // as it was checked
}
