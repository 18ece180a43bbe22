// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

var ref = v1alpha1.SecretKeyReference{Name: "ci", Key: "secret"}

func TestSecret(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		data    map[string]string
		want    []string
		why     string
		message string
	}{
		"One":         {reason: "as it is", data: map[string]string{"secret": " a b "}, want: []string{" a b "}},
		"LineFeed":    {reason: "as echo writes it", data: map[string]string{"secret": "a\n"}, want: []string{"a"}},
		"CRLF":        {reason: "as Windows writes it", data: map[string]string{"secret": "a\r\n"}, want: []string{"a"}},
		"Two":         {reason: "while it is changed", data: map[string]string{"secret": "b", "secret-previous": "a\n", "x": "c"}, want: []string{"b", "a"}},
		"Missing":     {reason: "another key", data: map[string]string{"secret-previous": "a"}, why: "SecretMissing", message: `Secret "ci" has no key "secret"`},
		"Empty":       {reason: "everybody knows the empty secret", data: map[string]string{"secret": "\n", "secret-previous": "a"}, why: "SecretEmpty", message: `Secret "ci" is empty under the key "secret"`},
		"EmptyBefore": {reason: "everybody knows the empty secret", data: map[string]string{"secret": "b", "secret-previous": ""}, want: []string{"b"}},
		"None":        {reason: "no Secret", why: "SecretMissing", message: `there is no Secret "ci" in namespace "team-gamma"`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := []runtime.Object{}
			if tc.data != nil {
				objects = append(objects, newSecret(tc.data))
			}
			got, err := newWorld(t, objects...).webhooks.secrets.read(t.Context(), testNamespace, ref, keep)
			if tc.why == "" {
				require.NoError(t, err, tc.reason)
				var values []string
				for _, value := range got {
					values = append(values, string(value))
				}
				require.Equal(t, tc.want, values, tc.reason)
				return
			}
			var why *unreadable
			require.ErrorAs(t, err, &why, tc.reason)
			require.Equal(t, unreadable{tc.why, tc.message}, *why, tc.reason)
			require.Empty(t, got)
		})
	}
}

// TestSecretForbidden: the message is the command for the gateway's own account.
func TestSecretForbidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.forbids()
	_, err := w.webhooks.secrets.read(t.Context(), testNamespace, ref, keep)
	var why *unreadable
	require.ErrorAs(t, err, &why)
	require.Equal(t, unreadable{
		"SecretForbidden",
		`kite-gateway may not read the Secret "ci". An administrator of the namespace allows it: ` +
			"kubectl create role kite-gateway-ci --verb=get --resource=secrets --resource-name=ci -n team-gamma && " +
			"kubectl create rolebinding kite-gateway-ci --role=kite-gateway-ci --serviceaccount=kite:gate -n team-gamma",
	}, *why)
}

// TestSecretKept: senders do not make the gateway read for each delivery, not even those who
// know nothing.
func TestSecretKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSecret(map[string]string{"secret": testSecret}))
	read := func(want int) {
		t.Helper()
		_, err := w.webhooks.secrets.read(t.Context(), testNamespace, ref, keep)
		require.NoError(t, err)
		require.Equal(t, want, w.secretsRead())
	}
	read(1)
	w.clock.Step(keep - 1)
	read(1)
	w.clock.Step(1)
	read(2)

	other := ref
	other.Name = "other"
	for range 3 {
		_, err := w.webhooks.secrets.read(t.Context(), testNamespace, other, keep)
		require.ErrorAs(t, err, new(*unreadable))
	}
	require.Equal(t, 3, w.secretsRead(), "that there is none is kept as well")
	w.clock.Step(keepDoubted)
	_, err := w.webhooks.secrets.read(t.Context(), testNamespace, other, keep)
	require.ErrorAs(t, err, new(*unreadable))
	require.Equal(t, 4, w.secretsRead(), "though not for long: whoever makes one waits for it")
}

// TestSecretChanged is known at once to a sender who has the new one.
func TestSecretChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSecret(map[string]string{"secret": "old"}))
	w.webhooks.hooks.set(newHook(newWebhook())) // without the status, which reads the Secret as well
	code, _, _ := w.post(t, path, twoChecks, "X-Signature", signed("old", twoChecks))
	require.Equal(t, http.StatusOK, code)
	_, err := w.host.CoreV1().Secrets(testNamespace).Update(t.Context(),
		newSecret(map[string]string{"secret": testSecret, "secret-previous": "old"}), metav1.UpdateOptions{})
	require.NoError(t, err)

	before := w.secretsRead()
	code, _ = w.send(t, twoChecks)
	require.Equal(t, http.StatusUnauthorized, code, "it was read just now")
	require.Equal(t, before, w.secretsRead())
	w.clock.Step(keepDoubted)
	code, _ = w.send(t, twoChecks)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, before+1, w.secretsRead())
	code, _, _ = w.post(t, path, twoChecks, "X-Signature", signed("old", twoChecks))
	require.Equal(t, http.StatusOK, code, "the previous one is good")
	require.Equal(t, before+1, w.secretsRead())
}

// TestSecretOfAnAPIThatIsAway is not kept: the next one asks again.
func TestSecretOfAnAPIThatIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSecret(map[string]string{"secret": testSecret}))
	var mu sync.Mutex
	away := true
	w.host.PrependReactor("get", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		mu.Lock()
		defer mu.Unlock()
		return away, nil, apierrors.NewServiceUnavailable("away")
	})
	_, err := w.webhooks.secrets.read(t.Context(), testNamespace, ref, keep)
	require.True(t, apierrors.IsServiceUnavailable(err))
	mu.Lock()
	away = false
	mu.Unlock()
	_, err = w.webhooks.secrets.read(t.Context(), testNamespace, ref, keep)
	require.NoError(t, err)
}

// TestSecretOfAGatewayThatIsRefused: no sender has to mend the gateway's own token.
func TestSecretOfAGatewayThatIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.webhooks.hooks.set(newHook(newWebhook()))
	w.host.PrependReactor("get", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewUnauthorized("expired")
	})
	code, answer := w.send(t, twoChecks)
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.NotContains(t, answer["detail"], "expired")
}
