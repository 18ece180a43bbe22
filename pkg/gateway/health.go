// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"net/http"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
)

// healthHandler is for kubelet. A server is ready also while the API is away: it tells
// senders to come back, which a refused connection does not.
func (s *Server) healthHandler() http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"GET /livez", "GET /healthz"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, http.StatusOK, "ok") })
	}
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if s.leaving.Load() {
			writeHealth(w, http.StatusServiceUnavailable, "stopping")
			return
		}
		writeHealth(w, http.StatusOK, "ok")
	})
	return mux
}

func writeHealth(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a probe that has gone
}

// Guarded serves a path to those who may get it. It asks the API with the caller's own
// token, so that the gateway needs no right to ask about others.
func Guarded(path string, reviews authorizationclient.SelfSubjectAccessReviewsGetter, next http.Handler) Source {
	return Source{
		Name: path[1:], Pattern: path, Method: http.MethodGet, Unbounded: true,
		Handler: func(w http.ResponseWriter, r *http.Request) error {
			review, err := reviews.SelfSubjectAccessReviews().Create(r.Context(), &authorizationv1.SelfSubjectAccessReview{
				Spec: authorizationv1.SelfSubjectAccessReviewSpec{
					NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: path, Verb: "get"},
				},
			}, metav1.CreateOptions{})
			if err != nil {
				return err
			}
			if !review.Status.Allowed {
				return &Problem{Status: http.StatusForbidden, Detail: "needs the right to get " + path + ", which kite-metrics-reader gives"}
			}
			next.ServeHTTP(w, r)
			return nil
		},
	}
}
