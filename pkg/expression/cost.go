// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/library"
)

const (
	// maxEstimate is the highest cost that an expression may be estimated at. It is the
	// cost at which evaluation stops, about 0.1 s.
	maxEstimate = celconfig.PerCallLimit

	// Variables have no schema. An estimate assumes that their lists and maps have this
	// many members, and that strings have this many bytes: two lists may be compared
	// with each other, three may not.
	assumedMembers = 100
	assumedBytes   = 1024
)

// estimator knows the calls that Kubernetes' estimator does not know.
type estimator struct{ *library.CostEstimator }

// EstimateCallCost implements checker.CostEstimator.
func (e estimator) EstimateCallCost(function, overload string, target *checker.AstNode, args []checker.AstNode) *checker.CallEstimate {
	if function != functionParseJSON {
		return e.CostEstimator.EstimateCallCost(function, overload, target, args)
	}
	size := checker.FixedSizeEstimate(assumedMembers)
	return &checker.CallEstimate{
		CostEstimate: checker.FixedCostEstimate(parseCost(assumedBytes)),
		ResultSize:   &size,
	}
}

// CallCost implements interpreter.ActualCostEstimator.
func (e estimator) CallCost(function, overload string, args []ref.Val, result ref.Val) *uint64 {
	switch function {
	case functionParseJSON:
		text, _ := args[0].(types.String)
		cost := parseCost(len(text))
		return &cost
	case operators.Add:
		return sumCost(result)
	default:
		return e.CostEstimator.CallCost(function, overload, args, result)
	}
}

// sumCost is a tenth of a unit for each byte or member, as of reading them. Without it a sum
// of values whose types are not known costs the same at any size, and twenty of them make
// gigabytes of what a body brings.
func sumCost(result ref.Val) *uint64 {
	var size int64
	switch value := result.(type) {
	case types.String:
		size = int64(len(value))
	case types.Bytes:
		size = int64(len(value))
	case traits.Lister:
		if length, ok := value.Size().(types.Int); ok {
			size = int64(length)
		}
	default:
		return nil
	}
	cost := uint64(1 + size/10)
	return &cost
}

// sizes tells the estimator how large what it cannot know is.
type sizes struct{}

var _ checker.CostEstimator = sizes{}

// EstimateSize implements checker.CostEstimator.
func (sizes) EstimateSize(element checker.AstNode) *checker.SizeEstimate {
	size := checker.FixedSizeEstimate(assumedMembers)
	if kind := element.Type().Kind(); kind == types.StringKind || kind == types.BytesKind {
		size = checker.FixedSizeEstimate(assumedBytes)
	}
	size.Min = 0
	return &size
}

// EstimateCallCost implements checker.CostEstimator. Kubernetes' estimator knows the calls.
func (sizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}

// checkCost returns a message about an expression that may cost too much.
func checkCost(env *cel.Env, ast *cel.Ast) string {
	estimate, err := env.EstimateCost(ast, estimator{&library.CostEstimator{SizeEstimator: sizes{}}})
	if err != nil {
		return "its cost cannot be estimated: " + err.Error()
	}
	if estimate.Max <= maxEstimate {
		return ""
	}
	return fmt.Sprintf("may cost %.1f times more than an expression is allowed, for lists of %d members; "+
		"nest fewer loops", float64(estimate.Max)/maxEstimate, assumedMembers)
}
