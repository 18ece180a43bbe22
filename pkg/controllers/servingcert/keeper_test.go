// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

const day = 24 * time.Hour

type cluster struct {
	*Keeper
	client client.Client
	clock  *clocktesting.FakeClock
}

func newCluster(t *testing.T, objects ...client.Object) *cluster {
	t.Helper()
	scheme := runtime.NewScheme()
	require.NoError(t, corev1.AddToScheme(scheme))
	require.NoError(t, apiregistrationv1.AddToScheme(scheme))
	c := &cluster{
		client: fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build(),
		clock:  clocktesting.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
	}
	c.Keeper = New(Config{
		Namespace: "kite-system", Service: "kite-apiserver",
		ServingSecret: "kite-apiserver-tls", AuthoritySecret: "kite-apiserver-ca",
		APIServices: []string{"v1alpha1.issues.kite.dev"},
	}, c.client, c.client, c.clock)
	return c
}

func apiService() *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{ObjectMeta: metav1.ObjectMeta{Name: "v1alpha1.issues.kite.dev"}}
}

func (c *cluster) secretNow(t *testing.T, name string) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{}
	require.NoError(t, c.client.Get(t.Context(), types.NamespacedName{Namespace: "kite-system", Name: name}, secret))
	return secret
}

func (c *cluster) bundle(t *testing.T) []byte {
	t.Helper()
	service := apiService()
	require.NoError(t, c.client.Get(t.Context(), client.ObjectKeyFromObject(service), service))
	return service.Spec.CABundle
}

// requireTrusted checks what kube-apiserver checks of a server.
func (c *cluster) requireTrusted(t *testing.T, serving *corev1.Secret) {
	t.Helper()
	cert, err := parseCert(serving.Data[corev1.TLSCertKey])
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(c.bundle(t)))
	_, err = cert.Verify(x509.VerifyOptions{
		DNSName: "kite-apiserver.kite-system.svc", Roots: roots, CurrentTime: c.clock.Now(),
	})
	require.NoError(t, err)
}

func TestBootstrap(t *testing.T) {
	t.Parallel()
	c := newCluster(t, apiService())
	require.NoError(t, c.Keep(t.Context()))

	serving := c.secretNow(t, "kite-apiserver-tls")
	c.requireTrusted(t, serving)
	require.Equal(t, corev1.SecretTypeTLS, serving.Type)
	require.NotContains(t, string(serving.Data[corev1.TLSPrivateKeyKey]),
		string(c.secretNow(t, "kite-apiserver-ca").Data[corev1.TLSPrivateKeyKey]), "the server has no authority's key")
}

func TestNothingToDo(t *testing.T) {
	t.Parallel()
	c := newCluster(t, apiService())
	require.NoError(t, c.Keep(t.Context()))
	before := c.secretNow(t, "kite-apiserver-tls")
	c.clock.Step(200 * day)
	require.NoError(t, c.Keep(t.Context()))
	require.Equal(t, before.ResourceVersion, c.secretNow(t, "kite-apiserver-tls").ResourceVersion)
}

func TestRenewsTheCertificate(t *testing.T) {
	t.Parallel()
	c := newCluster(t, apiService())
	require.NoError(t, c.Keep(t.Context()))
	old, bundle := c.secretNow(t, "kite-apiserver-tls"), c.bundle(t)
	c.clock.Step(250 * day)
	require.NoError(t, c.Keep(t.Context()))

	renewed := c.secretNow(t, "kite-apiserver-tls")
	require.NotEqual(t, old.Data[corev1.TLSCertKey], renewed.Data[corev1.TLSCertKey])
	require.Equal(t, bundle, c.bundle(t), "the authority stays")
	c.requireTrusted(t, renewed)
	c.requireTrusted(t, old)
}

func TestRenewsTheAuthority(t *testing.T) {
	t.Parallel()
	c := newCluster(t, apiService())
	require.NoError(t, c.Keep(t.Context()))
	for c.clock.Since(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) < 8*365*day {
		old := c.secretNow(t, "kite-apiserver-tls")
		c.clock.Step(30 * day)
		require.NoError(t, c.Keep(t.Context()))
		c.requireTrusted(t, c.secretNow(t, "kite-apiserver-tls"))
		c.requireTrusted(t, old)
	}
	require.NotEmpty(t, c.secretNow(t, "kite-apiserver-ca").Data[keyPrevious])
}

func TestMendsWhatIsBroken(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		damage func(t *testing.T, c *cluster)
	}{
		"BundleWiped": {"somebody applied over it", func(t *testing.T, c *cluster) {
			t.Helper()
			service := apiService()
			require.NoError(t, c.client.Get(t.Context(), client.ObjectKeyFromObject(service), service))
			service.Spec.CABundle = nil
			require.NoError(t, c.client.Update(t.Context(), service))
		}},
		"CertificateDeleted": {"a Secret went", func(t *testing.T, c *cluster) {
			t.Helper()
			require.NoError(t, c.client.Delete(t.Context(), c.secretNow(t, "kite-apiserver-tls")))
		}},
		"AuthorityDeleted": {"the other one went", func(t *testing.T, c *cluster) {
			t.Helper()
			require.NoError(t, c.client.Delete(t.Context(), c.secretNow(t, "kite-apiserver-ca")))
		}},
		"Garbage": {"a Secret holds something else", func(t *testing.T, c *cluster) {
			t.Helper()
			secret := c.secretNow(t, "kite-apiserver-ca")
			secret.Data = map[string][]byte{corev1.TLSCertKey: []byte("x"), corev1.TLSPrivateKeyKey: []byte("y")}
			require.NoError(t, c.client.Update(t.Context(), secret))
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, apiService())
			require.NoError(t, c.Keep(t.Context()))
			tc.damage(t, c)
			require.NoError(t, c.Keep(t.Context()), tc.reason)
			c.requireTrusted(t, c.secretNow(t, "kite-apiserver-tls"))
		})
	}
}

func TestWaitsForTheAPIService(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	err := c.Keep(t.Context())
	require.True(t, apierrors.IsNotFound(err), "%v", err)
	require.NoError(t, c.client.Create(t.Context(), apiService()))
	require.NoError(t, c.Keep(t.Context()))
	c.requireTrusted(t, c.secretNow(t, "kite-apiserver-tls"))
}
