// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// Host stands for kube-apiserver before a server that WithTokens started: it has Secrets,
// answers whom a token belongs to and what that one may do, and passes all else on.
type Host struct {
	tokens     map[string]string
	authorizer authorizer.Authorizer
	config     *rest.Config

	mu      sync.Mutex
	secrets map[string]*corev1.Secret
}

// StartHost starts one that stops when the test ends.
func StartHost(t testing.TB, server *rest.Config, tokens map[string]string, a authorizer.Authorizer) *Host {
	t.Helper()
	h := &Host{tokens: tokens, authorizer: a, secrets: map[string]*corev1.Secret{}}
	anonymous := rest.AnonymousClientConfig(server)
	transport, err := rest.TransportFor(anonymous)
	require.NoError(t, err)
	address, err := url.Parse(anonymous.Host)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(address)
	proxy.Transport, proxy.FlushInterval = transport, -1
	mux := http.NewServeMux()
	mux.Handle("/", proxy)
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/secrets/{name}", h.getSecret)
	mux.HandleFunc("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", h.reviewAccess)
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/selfsubjectreviews", h.reviewSubject)
	listener := httptest.NewTLSServer(mux)
	t.Cleanup(listener.Close)
	h.config = &rest.Config{Host: listener.URL, TLSClientConfig: rest.TLSClientConfig{
		CAData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: listener.Certificate().Raw}),
	}}
	return h
}

// As is a configuration with a token.
func (h *Host) As(token string) *rest.Config {
	cfg := rest.CopyConfig(h.config)
	cfg.BearerToken = token
	return cfg
}

// SetSecret writes a Secret.
func (h *Host) SetSecret(namespace, name string, data map[string]string) {
	secret := &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Data: map[string][]byte{},
	}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secrets[namespace+"/"+name] = secret
}

func (h *Host) getSecret(w http.ResponseWriter, r *http.Request) {
	namespace, name := r.PathValue("namespace"), r.PathValue("name")
	allowed := h.allows(r, authorizer.AttributesRecord{
		Verb: "get", Namespace: namespace, Resource: "secrets", Name: name, APIVersion: "v1", ResourceRequest: true,
	})
	h.mu.Lock()
	secret := h.secrets[namespace+"/"+name]
	h.mu.Unlock()
	switch {
	case !allowed:
		writeObject(w, http.StatusForbidden, apierrors.NewForbidden(corev1.Resource("secrets"), name, nil).Status())
	case secret == nil:
		writeObject(w, http.StatusNotFound, apierrors.NewNotFound(corev1.Resource("secrets"), name).Status())
	default:
		writeObject(w, http.StatusOK, secret)
	}
}

func (h *Host) reviewAccess(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what is missing cannot be decoded
	decoded, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	review, ok := decoded.(*authorizationv1.SelfSubjectAccessReview)
	if err != nil || !ok || h.userOf(r) == "" {
		writeObject(w, http.StatusUnauthorized, apierrors.NewUnauthorized("no user").Status())
		return
	}
	review.TypeMeta = metav1.TypeMeta{APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectAccessReview"}
	asked := review.Spec.ResourceAttributes
	review.Status.Allowed = h.allows(r, authorizer.AttributesRecord{
		Verb: asked.Verb, Namespace: asked.Namespace, APIGroup: asked.Group, Resource: asked.Resource, ResourceRequest: true,
	})
	writeObject(w, http.StatusCreated, review)
}

func (h *Host) reviewSubject(w http.ResponseWriter, r *http.Request) {
	review := &authenticationv1.SelfSubjectReview{TypeMeta: metav1.TypeMeta{APIVersion: "authentication.k8s.io/v1", Kind: "SelfSubjectReview"}}
	review.Status.UserInfo.Username = h.userOf(r)
	writeObject(w, http.StatusCreated, review)
}

func (h *Host) userOf(r *http.Request) string {
	return h.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
}

func (h *Host) allows(r *http.Request, a authorizer.AttributesRecord) bool {
	a.User = &user.DefaultInfo{Name: h.userOf(r)}
	decision, _, err := h.authorizer.Authorize(r.Context(), a)
	return err == nil && decision == authorizer.DecisionAllow
}

func writeObject(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // for a client that has gone
}
