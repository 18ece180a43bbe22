// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/library"
)

const (
	// maxEstimate is the highest cost that an expression may be estimated at. It is the
	// cost at which evaluation stops, 0.05 to 0.2 s.
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
		CostEstimate: checker.FixedCostEstimate(*units(parseCost(assumedBytes))),
		ResultSize:   &size,
	}
}

// CallCost implements interpreter.ActualCostEstimator.
func (e estimator) CallCost(function, overload string, args []ref.Val, result ref.Val) *uint64 {
	if price, ok := prices[strings.TrimPrefix(function, hidden)]; ok {
		return units(price(args))
	}
	switch function {
	case functionParseJSON:
		text, _ := args[0].(types.String)
		return units(parseCost(len(text)))
	case functionPass:
		return units(passPrice(args))
	case functionMake:
		return units(common.ListCreateBaseCost + weight(result)/readPerUnit)
	}
	if read := readCost(function, overload, args); read > 0 {
		return units(read)
	}
	return textCost(function, args, e.CostEstimator.CallCost(function, overload, args, result))
}

// textCost is of a call that reads texts: all of them, if only to count their characters,
// unless it is known to cost more. How often one contains another, CEL knows.
func textCost(function string, args []ref.Val, otherwise *uint64) *uint64 {
	bytes := 0
	for _, arg := range args {
		switch arg := arg.(type) {
		case types.String:
			bytes += len(arg)
		case types.Bytes:
			bytes += len(arg)
		}
	}
	price := units(float64(bytes) / readPerUnit)
	if *price == 1 || function == overloads.Contains || otherwise != nil && *otherwise >= *price {
		return otherwise
	}
	return price
}

// readCost is of a call that reads lists or maps: those of its arguments. Where the type of
// an argument is not known before, CEL knows no overload, and the texts count, too.
func readCost(function, overload string, args []ref.Val) float64 {
	cost := 0.0
	for _, arg := range args {
		switch arg.(type) {
		case traits.MutableLister, traits.MutableMapper:
			cost++ // a loop makes it: what is added to it is another argument
		case traits.Lister, traits.Mapper:
			if !finds(function, arg) {
				cost += weight(arg) / readPerUnit
			}
		case types.String, types.Bytes:
			if overload == "" {
				cost += weight(arg) / readPerUnit
			}
		}
	}
	return cost
}

// finds is true for a call that does not read a list or map to its end.
func finds(function string, in ref.Val) bool {
	switch function {
	case operators.Index, operators.OptIndex, overloads.Size:
		return true
	case operators.In:
		_, isMap := in.(traits.Mapper)
		return isMap
	}
	return false
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
