// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const (
	// keep is how long a secret is used without being read again. What was changed or
	// withdrawn since is believed as long.
	keep = 30 * time.Second
	// keepDoubted is how long it is used when a sender does not know it, or when there was
	// none to read: it may have been changed. It bounds how often senders who know nothing
	// make the gateway read.
	keepDoubted = 5 * time.Second
	// maxSecrets bounds how many are kept.
	maxSecrets = 4096

	readTimeout = 10 * time.Second

	suffixPrevious = "-previous"
)

// unreadable is why there is no secret to verify a sender with: one of the reasons of the
// condition SecretReadable.
type unreadable struct{ reason, message string }

// Error implements error.
func (u *unreadable) Error() string { return u.message }

// secrets reads what webhooks refer to, and keeps it for a short time.
type secrets struct {
	client kubernetes.Interface
	clock  clock.PassiveClock

	reading singleflight.Group
	kept    *lru.Cache

	mu      sync.Mutex
	account string
}

func newSecrets(client kubernetes.Interface, clock clock.PassiveClock) *secrets {
	return &secrets{client: client, clock: clock, kept: lru.New(maxSecrets)}
}

// values are the secret and the one before it.
type values struct {
	at     time.Time
	values [][]byte
	err    error
}

func (v *values) keep(maxAge time.Duration) time.Duration {
	if v.err != nil {
		return min(maxAge, keepDoubted)
	}
	return maxAge
}

type secretKey struct{ namespace, name, key string }

// read gives what was read at most maxAge ago. An error of type *unreadable is kept, too.
func (s *secrets) read(ctx context.Context, namespace string, ref v1alpha1.SecretKeyReference, maxAge time.Duration) ([][]byte, error) {
	key := secretKey{namespace, ref.Name, ref.Key}
	if found, ok := s.kept.Get(key); ok {
		if v, ok := found.(values); ok && s.clock.Since(v.at) < v.keep(maxAge) {
			return v.values, v.err
		}
	}
	// Whoever waits for the same secret must not suffer when the first one leaves.
	found, err, _ := s.reading.Do(strings.Join([]string{namespace, ref.Name, ref.Key}, "/"), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		return s.fetch(ctx, key)
	})
	if err != nil {
		return nil, err
	}
	v := found.(values) //nolint:forcetypeassert // see fetch
	s.kept.Add(key, v)
	return v.values, v.err
}

// fetch returns an error that can be over when it is asked again.
func (s *secrets) fetch(ctx context.Context, key secretKey) (values, error) {
	at := s.clock.Now()
	secret, err := s.client.CoreV1().Secrets(key.namespace).Get(ctx, key.name, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err):
		return values{at: at, err: &unreadable{v1alpha1.ReasonSecretForbidden, s.grant(ctx, key)}}, nil
	case apierrors.IsNotFound(err):
		message := fmt.Sprintf("there is no Secret %q in namespace %q", key.name, key.namespace)
		return values{at: at, err: &unreadable{v1alpha1.ReasonSecretMissing, message}}, nil
	case err != nil:
		return values{}, err
	}
	out := values{at: at}
	current, found := secret.Data[key.key]
	switch current = withoutLineFeed(current); {
	case !found:
		out.err = &unreadable{v1alpha1.ReasonSecretMissing, fmt.Sprintf("Secret %q has no key %q", key.name, key.key)}
	case len(current) == 0:
		out.err = &unreadable{v1alpha1.ReasonSecretEmpty, fmt.Sprintf("Secret %q is empty under the key %q", key.name, key.key)}
	default:
		out.values = [][]byte{current}
	}
	if previous := withoutLineFeed(secret.Data[key.key+suffixPrevious]); out.err == nil && len(previous) > 0 {
		out.values = append(out.values, previous)
	}
	return out, nil
}

// withoutLineFeed takes off what editors and echo add to a file.
func withoutLineFeed(value []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(value, []byte("\n")), []byte("\r"))
}

// grant says who lets the gateway read one Secret, and how.
func (s *secrets) grant(ctx context.Context, key secretKey) string {
	role := "kite-gateway-" + key.name
	return fmt.Sprintf("kite-gateway may not read the Secret %[2]q. An administrator of the namespace allows it: "+
		"kubectl create role %[1]s --verb=get --resource=secrets --resource-name=%[2]s -n %[3]s && "+
		"kubectl create rolebinding %[1]s --role=%[1]s %[4]s -n %[3]s", role, key.name, key.namespace, s.subject(ctx))
}

// subject is the gateway's account as kubectl takes it.
func (s *secrets) subject(ctx context.Context) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.account == "" {
		review, err := s.client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		if err != nil || review.Status.UserInfo.Username == "" {
			return "--serviceaccount=kite-system:kite-gateway"
		}
		s.account = review.Status.UserInfo.Username
	}
	if account, ok := strings.CutPrefix(s.account, "system:serviceaccount:"); ok {
		return "--serviceaccount=" + account
	}
	return "--user=" + s.account
}
