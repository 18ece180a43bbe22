// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"kite.dev/kite/pkg/expression"
)

// maxPerObject is the cost of all expressions together that judge an object, or describe
// its issue: about 0.25 s.
const maxPerObject = celconfig.RuntimeCELCostBudgetMatchConditions

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
}

func (in Input) evaluation() *expression.Evaluation {
	return expression.NewBudget(maxPerObject).Evaluate(map[string]any{
		variableObject: in.Object.Object,
		variableOwner:  in.Owner.value(),
	})
}

// Judge says how an object is doing. An error is an *Error, and leaves it open.
func (m *Monitor) Judge(ctx context.Context, in Input) (Verdict, error) {
	e := in.evaluation()
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
