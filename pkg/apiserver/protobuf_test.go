// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"
)

func TestWithoutProtobuf(t *testing.T) {
	t.Parallel()
	const protobuf = "application/vnd.kubernetes.protobuf"
	const metadata = ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
	cases := map[string]struct {
		reason   string
		accept   string
		resource bool
		want     string
		code     int
	}{
		"Both": {
			reason:   "kube-controller-manager's client accepts either",
			accept:   protobuf + ",application/json",
			resource: true,
			want:     "application/json",
			code:     http.StatusOK,
		},
		"Metadata": {
			reason:   "every kind's metadata has a Protobuf form",
			accept:   protobuf + metadata + ",application/json" + metadata,
			resource: true,
			want:     protobuf + metadata + ",application/json" + metadata,
			code:     http.StatusOK,
		},
		"Fallback": {
			reason:   "the client of a table takes whole objects from old servers",
			accept:   protobuf + metadata + ", " + protobuf + ", application/json;q=0.5",
			resource: true,
			want:     protobuf + metadata + ",application/json;q=0.5",
			code:     http.StatusOK,
		},
		"Only": {
			reason:   "nothing may happen that cannot be answered",
			accept:   protobuf,
			resource: true,
			code:     http.StatusNotAcceptable,
		},
		"OtherPath": {
			reason: "OpenAPI and discovery have a Protobuf form",
			accept: protobuf,
			want:   protobuf,
			code:   http.StatusOK,
		},
		"Any": {
			reason:   "a browser's header stays as it is",
			accept:   "text/html, */*;q=0.8",
			resource: true,
			want:     "text/html, */*;q=0.8",
			code:     http.StatusOK,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			handler := withoutProtobuf(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got = r.Header.Get("Accept")
			}))
			info := &apirequest.RequestInfo{IsResourceRequest: tc.resource, APIGroup: "issues.kite.dev", APIVersion: "v1alpha1"}
			request := httptest.NewRequestWithContext(apirequest.WithRequestInfo(t.Context(), info), http.MethodGet, "/", nil)
			request.Header.Set("Accept", tc.accept)
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, request)
			require.Equal(t, tc.code, recorder.Code, tc.reason)
			require.Equal(t, tc.want, got, tc.reason)
		})
	}
}
