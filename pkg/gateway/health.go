// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"net/http"
	"slices"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
)

// maxStart is how long a server that has just begun waits for its sources. Nobody else serves
// when the API is away for longer.
const maxStart = 15 * time.Second

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
		if s.starting() {
			writeHealth(w, http.StatusServiceUnavailable, "starting")
			return
		}
		writeHealth(w, http.StatusOK, "ok")
	})
	return mux
}

// starting says whether deliveries are better left to the replica before: some senders, such
// as GitHub, send none again.
func (s *Server) starting() bool {
	return s.clock.Since(s.started) < maxStart &&
		slices.ContainsFunc(s.ready, func(ready func() bool) bool { return !ready() })
}

func writeHealth(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a probe that has gone
}

// Guarded serves a path to those who may get it.
func Guarded(path string, reviews authorizationclient.SelfSubjectAccessReviewsGetter, next http.Handler) Source {
	return Source{
		Name: path[1:], Pattern: path, Method: http.MethodGet, Unbounded: true,
		Handler: func(w http.ResponseWriter, r *http.Request) error {
			err := Allowed(r.Context(), reviews, authorizationv1.SelfSubjectAccessReviewSpec{
				NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: path, Verb: "get"},
			}, "needs the right to get "+path+", which kite-metrics-reader gives")
			if err != nil {
				return err
			}
			next.ServeHTTP(w, r)
			return nil
		},
	}
}
