// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// startHost is a host cluster that knows every token as one ServiceAccount's, allows it
// everything, and serves nothing else but these namespaces. It returns its kubeconfig.
func startHost(b *testing.B, namespaces ...corev1.Namespace) string {
	b.Helper()
	mux := http.NewServeMux()
	mux.Handle("GET /api/v1/namespaces", namespaceHandler(namespaces))
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, authenticationv1.TokenReview{
			TypeMeta: metav1.TypeMeta{APIVersion: "authentication.k8s.io/v1", Kind: "TokenReview"},
			Status: authenticationv1.TokenReviewStatus{Authenticated: true, User: authenticationv1.UserInfo{
				Username: "system:serviceaccount:team-gamma:robot", UID: "robot",
				Groups: []string{"system:serviceaccounts", "system:authenticated"},
			}},
		})
	})
	mux.HandleFunc("POST /apis/authorization.k8s.io/v1/subjectaccessreviews", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, authorizationv1.SubjectAccessReview{
			TypeMeta: metav1.TypeMeta{APIVersion: "authorization.k8s.io/v1", Kind: "SubjectAccessReview"},
			Status:   authorizationv1.SubjectAccessReviewStatus{Allowed: true},
		})
	})
	server := httptest.NewServer(mux)
	b.Cleanup(server.Close)
	return writeKubeconfig(b, server.URL)
}

func answer(w http.ResponseWriter, review any) {
	data, err := json.Marshal(review)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(data)
}

func writeKubeconfig(b *testing.B, url string) string {
	b.Helper()
	cfg := clientcmdapi.NewConfig()
	cfg.Clusters["host"] = &clientcmdapi.Cluster{Server: url}
	cfg.Contexts["host"] = &clientcmdapi.Context{Cluster: "host"}
	cfg.CurrentContext = "host"
	path := filepath.Join(b.TempDir(), "kubeconfig")
	require.NoError(b, clientcmd.WriteToFile(*cfg, path))
	return path
}
