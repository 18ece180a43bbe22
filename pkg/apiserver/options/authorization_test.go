// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapiserver "k8s.io/apiserver/pkg/server"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// host answers SubjectAccessReviews as a cluster where dana may do everything, and
// keeps what it was asked.
type host struct {
	mu    sync.Mutex
	asked []authorizationv1.SubjectAccessReviewSpec
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var review authorizationv1.SubjectAccessReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, review.Spec)
	review.Status.Allowed = review.Spec.User == "dana"
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	if err := json.NewEncoder(w).Encode(review); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// questions returns what was asked since the last call.
func (h *host) questions() []authorizationv1.SubjectAccessReviewSpec {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := h.asked
	h.asked = nil
	return asked
}

func listAs(t *testing.T, name, selector string) authorizer.Attributes {
	t.Helper()
	parsed, err := fields.ParseSelector(selector)
	require.NoError(t, err)
	return authorizer.AttributesRecord{
		User: &user.DefaultInfo{Name: name}, Verb: "list", Namespace: "team-gamma",
		APIGroup: "issues.kite.dev", APIVersion: "v1alpha1", Resource: "issues", ResourceRequest: true,
		FieldSelectorRequirements: parsed.Requirements(),
	}
}

func TestAuthorizer(t *testing.T) {
	t.Parallel()
	h := &host{}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	client, err := authorizationclient.NewForConfig(&rest.Config{
		Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: runtime.ContentTypeJSON},
	})
	require.NoError(t, err)
	a, err := NewAuthorizationOptions().authorizer(client, math.MaxInt64)
	require.NoError(t, err)
	decide := func(attributes authorizer.Attributes) authorizer.Decision {
		decision, _, err := a.Authorize(t.Context(), attributes)
		require.NoError(t, err)
		return decision
	}

	require.Equal(t, authorizer.DecisionNoOpinion, decide(listAs(t, "eve", "search=token")), "a denial stays one")
	require.Len(t, h.questions(), 1)

	for _, selector := range []string{"search=token", "search=oom", "run.name=a,spec.type=build", "run.uid!=1", ""} {
		require.Equal(t, authorizer.DecisionAllow, decide(listAs(t, "dana", selector)), selector)
	}
	asked := h.questions()
	require.Len(t, asked, 1, "each value would be a question of its own")
	require.Nil(t, asked[0].ResourceAttributes.FieldSelector)

	require.Equal(t, authorizer.DecisionAllow, decide(listAs(t, "dana", "spec.type=build")))
	asked = h.questions()
	require.Len(t, asked, 1)
	require.NotNil(t, asked[0].ResourceAttributes.FieldSelector, "other selectors may be what a right depends on")

	for _, path := range []string{"/healthz", "/livez", "/readyz"} {
		nobody := authorizer.AttributesRecord{User: &user.DefaultInfo{Name: "system:anonymous"}, Verb: "get", Path: path}
		require.Equal(t, authorizer.DecisionAllow, decide(nobody), "probes of %s come without credentials", path)
	}
	require.Empty(t, h.questions())
}

func TestAuthorizerAsksInProtobuf(t *testing.T) {
	t.Parallel()
	types := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		types <- r.Header.Get("Content-Type")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":true}}`))
	}))
	t.Cleanup(server.Close)
	o := NewAuthorizationOptions()
	o.RemoteKubeConfigFile = filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"host": {Server: server.URL}},
		Contexts:       map[string]*clientcmdapi.Context{"host": {Cluster: "host"}},
		CurrentContext: "host",
	}, o.RemoteKubeConfigFile))
	var info genericapiserver.AuthorizationInfo
	require.NoError(t, o.ApplyTo(&info))

	decision, _, err := info.Authorizer.Authorize(t.Context(), listAs(t, "dana", ""))
	require.NoError(t, err)
	require.Equal(t, authorizer.DecisionAllow, decision, "an answer in JSON is understood, too")
	require.Equal(t, runtime.ContentTypeProtobuf, <-types)
}
