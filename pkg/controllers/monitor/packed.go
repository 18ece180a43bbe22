// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// lastApplied is as large as the object and says nothing that it does not say.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// packed is an object as a source keeps it. JSON takes a third of the memory that its maps
// take, and is read only when the object is evaluated.
type packed struct {
	// ObjectMeta has what a cache asks for.
	metav1.ObjectMeta

	json []byte
}

// pack drops what people never see, and expressions need not.
func pack(obj any) (any, error) {
	object, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return obj, nil // it is packed, or unknown since a deletion was missed
	}
	object.SetManagedFields(nil)
	if annotations := object.GetAnnotations(); annotations[lastApplied] != "" {
		delete(annotations, lastApplied)
		object.SetAnnotations(annotations)
	}
	text, err := object.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", nameOf(object), err)
	}
	return &packed{json: text, ObjectMeta: metav1.ObjectMeta{
		Namespace: object.GetNamespace(), Name: object.GetName(),
		UID: object.GetUID(), ResourceVersion: object.GetResourceVersion(),
	}}, nil
}

func (p *packed) unpack() *unstructured.Unstructured {
	out := &unstructured.Unstructured{}
	utilruntime.Must(out.UnmarshalJSON(p.json)) // pack wrote it
	return out
}

func nameOf(object metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}
