// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"encoding/json"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// namespaceHandler lists and watches namespaces that never change.
type namespaceHandler []corev1.Namespace

// ServeHTTP implements http.Handler.
func (n namespaceHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := n.serve(json.NewEncoder(w), r); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
	if r.FormValue("watch") != "" {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

func (n namespaceHandler) serve(out *json.Encoder, r *http.Request) error {
	if r.FormValue("watch") == "" {
		return out.Encode(corev1.NamespaceList{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "NamespaceList"},
			ListMeta: metav1.ListMeta{ResourceVersion: "1"}, Items: n,
		})
	}
	if r.FormValue("sendInitialEvents") != "true" {
		return nil
	}
	for i := range n {
		if err := out.Encode(event(watch.Added, &n[i])); err != nil {
			return err
		}
	}
	end := newNamespace("", "")
	end.Annotations = map[string]string{metav1.InitialEventsAnnotationKey: "true"}
	return out.Encode(event(watch.Bookmark, &end))
}

func event(kind watch.EventType, namespace *corev1.Namespace) map[string]any {
	return map[string]any{"type": kind, "object": namespace}
}

func newNamespace(name, uid string) corev1.Namespace {
	return corev1.Namespace{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(uid), ResourceVersion: "1"},
	}
}
