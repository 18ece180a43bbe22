// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"k8s.io/apimachinery/pkg/util/json"
)

// functionParseJSON gives the value of a text in JSON: annotations and results of tasks
// hold such texts.
const functionParseJSON = "parseJSON"

// unitsPerByte is what a byte of JSON costs: parsing it takes about ten times as long as
// reading it, which costs a tenth of a unit.
const unitsPerByte = 1

func parseCost(bytes int) float64 { return float64(unitsPerByte * bytes) }

var parseJSON = cel.Function(functionParseJSON,
	cel.Overload("parse_json_string", []*cel.Type{cel.StringType}, cel.DynType, cel.UnaryBinding(parse)))

// parse gives numbers as those of an object are: whole ones are integers.
func parse(value ref.Val) ref.Val {
	text, ok := value.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(value)
	}
	var out any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return types.NewErr("parse JSON: %v", err)
	}
	return types.DefaultTypeAdapter.NativeToValue(out)
}
