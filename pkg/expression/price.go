// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"math"
	"strings"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

const (
	// readPerUnit is how many bytes are read for one unit, about 0.1 us.
	readPerUnit = 10
	// perValue is how many bytes a value is as much as.
	perValue = 10
)

// prices are of the calls that may take much longer, or make much more, than their
// arguments are large. They are known before the call.
var prices = map[string]func(args []ref.Val) float64{
	"replace":         priceReplace,
	"join":            priceJoin,
	"indexOf":         priceSearch,
	"lastIndexOf":     priceSearch,
	functionMatches:   priceRegex,
	functionFind:      priceRegex,
	functionFindAll:   priceRegex,
	"distinct":        func(args []ref.Val) float64 { return length(args[0]) * weight(args[0]) / readPerUnit },
	"sets.contains":   pricePairs,
	"sets.equivalent": pricePairs,
	"sets.intersects": pricePairs,
}

// priceReplace is of the text that it makes.
func priceReplace(args []ref.Val) float64 {
	text, _ := args[0].(types.String)
	old, _ := args[1].(types.String)
	replacement, _ := args[2].(types.String)
	grows := max(0, len(replacement)-len(old))
	return float64(len(text)+strings.Count(string(text), string(old))*grows) / readPerUnit
}

// priceJoin is of the text that it makes.
func priceJoin(args []ref.Val) float64 {
	separators := 0.0
	if len(args) > 1 {
		separators = length(args[0]) * length(args[1])
	}
	return (weight(args[0]) + separators) / readPerUnit
}

// priceSearch is of a text that agrees everywhere, but for its end. The values of a list are
// compared once.
func priceSearch(args []ref.Val) float64 {
	if _, ok := args[0].(types.String); ok {
		return weight(args[0]) * weight(args[1]) / (100 * readPerUnit)
	}
	return (weight(args[0]) + length(args[0])) / readPerUnit
}

func pricePairs(args []ref.Val) float64 {
	return (length(args[0])*weight(args[1]) + length(args[1])*weight(args[0])) / readPerUnit
}

// length is of a text in characters, of a list or map in members.
func length(value ref.Val) float64 {
	sizer, ok := value.(traits.Sizer)
	if !ok {
		return 1
	}
	size, _ := sizer.Size().(types.Int)
	return float64(size)
}

// weight is how long a value takes to read, in bytes: each value in it counts as often as it
// is reached. A list that holds another one twice takes no memory for it, and twice as long.
func weight(value ref.Val) float64 {
	left := maxEstimate * readPerUnit
	weigh(value, &left)
	return float64(maxEstimate*readPerUnit - left)
}

// weigh stops when nothing is left.
func weigh(value ref.Val, left *int) {
	*left -= perValue
	switch value := value.(type) {
	case types.String:
		*left -= len(value)
	case types.Bytes:
		*left -= len(value)
	case *types.Optional:
		if value.HasValue() {
			weigh(value.GetValue(), left)
		}
	case traits.Mapper:
		for keys := value.Iterator(); *left > 0 && keys.HasNext() == types.True; {
			key := keys.Next()
			weigh(key, left)
			weigh(value.Get(key), left)
		}
	case traits.Lister:
		for members := value.Iterator(); *left > 0 && members.HasNext() == types.True; {
			weigh(members.Next(), left)
		}
	}
}

// units is at least one, and what is more than a program's limit stays so.
func units(price float64) *uint64 {
	out := uint64(math.Min(math.Max(1, math.Ceil(price)), 2*maxEstimate))
	return &out
}
