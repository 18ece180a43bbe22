// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// forged is what only a front proxy may say.
var forged = http.Header{"X-Remote-User": {"kite-admin"}, "X-Remote-Group": {"system:masters"}, "X-Remote-Uid": {"1"}}

// TestForgedFrontProxyHeaders tries them through the aggregator, and round it with no
// certificate, one of another authority, and one of a name that is not the front proxy's.
func TestForgedFrontProxyHeaders(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	path := "/apis/issues.kite.dev/v1alpha1/namespaces/" + system + "/issues"
	code, body := do(t, m.developer, http.MethodGet, path, "", forged)
	require.Equal(t, http.StatusForbidden, code, "%s", body)
	require.Contains(t, string(body), ":developer", "the user is the token's")

	replica := replicas(t, m.host)[0]
	code, body = do(t, direct(t, m.host, &replica, m.developer.BearerToken), http.MethodGet, path, "", forged)
	require.Equal(t, http.StatusForbidden, code, "%s", body)
	require.Contains(t, string(body), ":developer")
	code, body = do(t, direct(t, m.host, &replica, ""), http.MethodGet, path, "", forged)
	require.Equal(t, http.StatusForbidden, code, "%s", body)
	require.Contains(t, string(body), "system:anonymous")

	self := direct(t, m.host, &replica, "")
	self.CertData, self.KeyData = selfSigned(t, "front-proxy-client")
	code, body = do(t, self, http.MethodGet, path, "", forged)
	require.Equal(t, http.StatusUnauthorized, code, "%s", body)
	if !m.host.own {
		return
	}
	other := direct(t, m.host, &replica, "")
	other.CertData, other.KeyData = clusterFile(t, m.host, "pki/front-proxy-ca.crt"), clusterFile(t, m.host, "pki/front-proxy-ca.key")
	code, body = do(t, other, http.MethodGet, path, "", forged)
	require.Equal(t, http.StatusUnauthorized, code, "a certificate of the right authority and a wrong name: %s", body)
}

func selfSigned(t testing.TB, name string) (certificate, key []byte) {
	t.Helper()
	certificate, key, err := certutil.GenerateSelfSignedCertKey(name, nil, nil)
	require.NoError(t, err)
	return certificate, key
}

// clusterFile reads from the folder of the cluster that this machine made.
func clusterFile(t testing.TB, h *host, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(filepath.Dir(h.variable("KUBECONFIG")), name))
	require.NoError(t, err)
	return content
}

// TestTokens shows which tokens get in, through the aggregator and round it.
func TestTokens(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	if !m.host.own {
		t.Skip("the key that signs this cluster's tokens is not at hand")
	}
	key := accountKey(t, m.host)
	foreignKey, err := ecdsa.GenerateKey(key.Curve, rand.Reader)
	require.NoError(t, err)
	past := map[string]any{"exp": time.Now().Add(-time.Minute).Unix(), "iat": time.Now().Add(-time.Hour).Unix(), "nbf": time.Now().Add(-time.Hour).Unix()}
	cases := map[string]struct {
		token string
		want  int
	}{
		"good":                {m.developer.BearerToken, http.StatusOK},
		"signed again":        {sign(t, m.developer.BearerToken, key, nil), http.StatusOK},
		"expired":             {sign(t, m.developer.BearerToken, key, past), http.StatusUnauthorized},
		"another's signature": {sign(t, m.developer.BearerToken, foreignKey, nil), http.StatusUnauthorized},
		"another issuer":      {sign(t, m.developer.BearerToken, key, map[string]any{"iss": "https://elsewhere"}), http.StatusUnauthorized},
		"another audience":    {audienceToken(t, m, "vault"), http.StatusUnauthorized},
		"deleted account":     {deletedAccount(t, m), http.StatusUnauthorized},
		"no token at all":     {"nonsense", http.StatusUnauthorized},
	}
	for _, pod := range replicas(t, m.host) {
		for name, tc := range cases {
			for way, cfg := range map[string]*rest.Config{"aggregated": m.developer, "direct": direct(t, m.host, &pod, "")} {
				cfg := rest.CopyConfig(cfg)
				cfg.BearerToken = tc.token
				code, body := do(t, cfg, http.MethodGet, "/apis/issues.kite.dev/v1alpha1/namespaces/"+m.namespace+"/issues", "", nil)
				require.Equal(t, tc.want, code, "%s, %s: %s", name, way, body)
				require.NotContains(t, string(body), tc.token, "a token is a secret")
			}
		}
	}
}

func accountKey(t testing.TB, h *host) *ecdsa.PrivateKey {
	t.Helper()
	parsed, err := keyutil.ParsePrivateKeyPEM(clusterFile(t, h, "pki/service-account.key"))
	require.NoError(t, err)
	key, ok := parsed.(*ecdsa.PrivateKey)
	require.True(t, ok, "%T", parsed)
	return key
}

// sign makes a token like another, with other claims.
func sign(t testing.TB, token string, key *ecdsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	all := map[string]any{}
	require.NoError(t, json.Unmarshal(payload, &all))
	maps.Copy(all, claims)
	parts[1] = base64.RawURLEncoding.EncodeToString(mustJSON(t, all))
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	require.NoError(t, err)
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	parts[2] = base64.RawURLEncoding.EncodeToString(signature)
	return strings.Join(parts, ".")
}

func audienceToken(t testing.TB, m *team, audience string) string {
	t.Helper()
	made, err := kubernetes.NewForConfigOrDie(m.host.admin).CoreV1().ServiceAccounts(m.namespace).CreateToken(t.Context(), "developer",
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{audience}}}, metav1.CreateOptions{})
	require.NoError(t, err)
	return made.Status.Token
}

func deletedAccount(t testing.TB, m *team) string {
	t.Helper()
	cfg := m.account(t, "leaver", "edit")
	accounts := kubernetes.NewForConfigOrDie(m.host.admin).CoreV1().ServiceAccounts(m.namespace)
	require.NoError(t, accounts.Delete(t.Context(), "leaver", metav1.DeleteOptions{}))
	eventually(t, "the token of an account that is gone ends", func(ctx context.Context) error {
		_, err := kubernetes.NewForConfigOrDie(cfg).CoreV1().ConfigMaps(m.namespace).List(ctx, metav1.ListOptions{})
		if err == nil {
			return errors.New("it still works")
		}
		return nil
	})
	return cfg.BearerToken
}

// TestImpersonation needs the right to impersonate, and then has the other's rights
// and no more, through the aggregator and round it.
func TestImpersonation(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	create(t, m, "frontend")
	reader := m.account(t, viewer, "view")
	user := fmt.Sprintf("system:serviceaccount:%s:%s", m.namespace, viewer)
	replica := replicas(t, m.host)[0]
	ways := map[string]func(*rest.Config) *rest.Config{
		"aggregated": rest.CopyConfig,
		"direct": func(cfg *rest.Config) *rest.Config {
			out := direct(t, m.host, &replica, cfg.BearerToken)
			out.CertData, out.KeyData = cfg.CertData, cfg.KeyData
			return out
		},
	}
	path := "/apis/issues.kite.dev/v1alpha1/namespaces/" + m.namespace + "/issues"
	for name, way := range ways {
		as := func(cfg *rest.Config) *rest.Config {
			cfg = way(cfg)
			cfg.Impersonate.UserName = user
			return cfg
		}
		code, body := do(t, as(m.host.admin), http.MethodGet, path, "", nil)
		require.Equal(t, http.StatusOK, code, "%s: %s", name, body)
		code, body = do(t, as(m.host.admin), http.MethodDelete, path+"/frontend?dryRun=All", "", nil)
		require.Equal(t, http.StatusForbidden, code, "%s: a viewer, whoever acts as one: %s", name, body)
		code, body = do(t, as(reader), http.MethodGet, path, "", nil)
		require.Equal(t, http.StatusForbidden, code, "%s: %s", name, body)
		require.Contains(t, string(body), "cannot impersonate")
	}
}
