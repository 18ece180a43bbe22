// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"mime"
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/handlers/negotiation"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"
)

// withoutProtobuf takes Protobuf out of what a request accepts, but for the views that
// have a Protobuf form whatever the kind: metadata and tables. Our kinds have none, as
// custom resources; the generic handlers would do the work first and find out when
// they write the answer. kube-controller-manager accepts Protobuf or JSON whenever it
// deletes what a namespace holds.
func withoutProtobuf(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info, ok := apirequest.RequestInfoFrom(r.Context())
		accept := strings.Join(r.Header.Values("Accept"), ",")
		if !ok || !info.IsResourceRequest || !strings.Contains(accept, runtime.ContentTypeProtobuf) {
			next.ServeHTTP(w, r)
			return
		}
		kept := acceptWithoutProtobuf(accept)
		if kept == "" {
			err := negotiation.NewNotAcceptableError([]string{runtime.ContentTypeJSON, runtime.ContentTypeYAML})
			gv := schema.GroupVersion{Group: info.APIGroup, Version: info.APIVersion}
			responsewriters.ErrorNegotiated(err, Codecs, gv, w, r)
			return
		}
		r = r.Clone(r.Context())
		r.Header.Set("Accept", kept)
		next.ServeHTTP(w, r)
	})
}

// acceptWithoutProtobuf drops the clauses of an Accept header that ask for whole
// objects in Protobuf.
func acceptWithoutProtobuf(accept string) string {
	var kept []string
	for clause := range strings.SplitSeq(accept, ",") {
		mediaType, params, err := mime.ParseMediaType(clause)
		if err == nil && mediaType == runtime.ContentTypeProtobuf && params["as"] == "" {
			continue
		}
		kept = append(kept, strings.TrimSpace(clause))
	}
	return strings.Join(kept, ",")
}
