// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"bytes"
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Name is the controller's name, for --controllers and logs.
const Name = "servingcert"

// Keys of the Secrets beside those of a kubernetes.io/tls Secret.
const (
	keyAuthority = "ca.crt"
	// keyPrevious holds the authority before the present one.
	keyPrevious = "previous.crt"
)

// How often everything is looked at: with nothing to do, and after an error.
const (
	interval      = 5 * time.Minute
	retryInterval = 2 * time.Second
)

// Config names what a Keeper keeps.
type Config struct {
	// Namespace of the Secrets and the Service.
	Namespace string
	// Service is the server's; the certificate has its DNS names.
	Service string
	// ServingSecret is the name of the Secret that the server mounts.
	ServingSecret string
	// AuthoritySecret is the name of the Secret with the authority's key.
	AuthoritySecret string
	// APIServices are the names of those that the server serves.
	APIServices []string
}

func (c *Config) dnsNames() []string {
	name := c.Service + "." + c.Namespace + ".svc"
	return []string{name, c.Service, c.Service + "." + c.Namespace, name + ".cluster.local"}
}

// Keeper keeps certificates and caBundle.
type Keeper struct {
	config Config
	reader client.Reader
	writer client.Writer
	clock  clock.Clock
}

var (
	_ manager.Runnable               = (*Keeper)(nil)
	_ manager.LeaderElectionRunnable = (*Keeper)(nil)
)

// New returns a Keeper. It needs a reader without cache: it may read its own
// objects by name, and neither list nor watch.
func New(config Config, reader client.Reader, writer client.Writer, clock clock.Clock) *Keeper {
	return &Keeper{config: config, reader: reader, writer: writer, clock: clock}
}

// NeedLeaderElection says that there is one authority.
func (k *Keeper) NeedLeaderElection() bool { return true }

// Start works until the context ends.
func (k *Keeper) Start(ctx context.Context) error {
	for {
		pause := interval
		if err := k.Keep(ctx); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "Serving certificate is not in order, trying again", "after", retryInterval)
			pause = retryInterval
		}
		timer := k.clock.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C():
		}
	}
}

// Keep brings everything in order once. It writes only what is not.
func (k *Keeper) Keep(ctx context.Context) error {
	authority, bundle, err := k.keepAuthority(ctx)
	if err != nil {
		return err
	}
	for _, name := range k.config.APIServices {
		if err := k.keepBundle(ctx, name, bundle); err != nil {
			return err
		}
	}
	return k.keepServing(ctx, authority)
}

func (k *Keeper) keepAuthority(ctx context.Context) (*pair, []byte, error) {
	secret, err := k.secret(ctx, k.config.AuthoritySecret)
	if err != nil {
		return nil, nil, err
	}
	now := k.clock.Now()
	authority, err := parsePair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err == nil && fresh(authority.cert, now) {
		return authority, bundleOf(secret, now), nil
	}
	previous := secret.Data[corev1.TLSCertKey]
	if authority, err = newAuthority(now); err != nil {
		return nil, nil, err
	}
	secret.Data = map[string][]byte{corev1.TLSCertKey: authority.certPEM, corev1.TLSPrivateKeyKey: authority.keyPEM}
	if len(previous) > 0 {
		secret.Data[keyPrevious] = previous
	}
	return authority, bundleOf(secret, now), k.save(ctx, secret)
}

// bundleOf holds the authority and, for as long as it is valid, the one before.
func bundleOf(secret *corev1.Secret, now time.Time) []byte {
	bundle := bytes.Clone(secret.Data[corev1.TLSCertKey])
	previous, err := parseCert(secret.Data[keyPrevious])
	if err != nil || now.After(previous.NotAfter) {
		return bundle
	}
	return append(bundle, secret.Data[keyPrevious]...)
}

func (k *Keeper) keepBundle(ctx context.Context, name string, bundle []byte) error {
	service := &apiregistrationv1.APIService{}
	if err := k.reader.Get(ctx, types.NamespacedName{Name: name}, service); err != nil {
		return fmt.Errorf("read APIService %s: %w", name, err)
	}
	if bytes.Equal(service.Spec.CABundle, bundle) {
		return nil
	}
	service.Spec.CABundle = bundle
	if err := k.writer.Update(ctx, service); err != nil {
		return fmt.Errorf("update the caBundle of APIService %s: %w", name, err)
	}
	ctrl.LoggerFrom(ctx).Info("Updated caBundle", "apiService", name)
	return nil
}

func (k *Keeper) keepServing(ctx context.Context, authority *pair) error {
	secret, err := k.secret(ctx, k.config.ServingSecret)
	if err != nil {
		return err
	}
	now := k.clock.Now()
	serving, err := parsePair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err == nil && serves(serving.cert, authority, k.config.dnsNames(), now) {
		return nil
	}
	if serving, err = newServing(authority, k.config.dnsNames(), now); err != nil {
		return err
	}
	secret.Data = map[string][]byte{
		corev1.TLSCertKey:       serving.certPEM,
		corev1.TLSPrivateKeyKey: serving.keyPEM,
		keyAuthority:            authority.certPEM,
	}
	return k.save(ctx, secret)
}

// secret returns a new Secret without resourceVersion where there is none.
func (k *Keeper) secret(ctx context.Context, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := k.reader.Get(ctx, types.NamespacedName{Namespace: k.config.Namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		return &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: k.config.Namespace, Name: name,
				Labels: map[string]string{"app.kubernetes.io/part-of": "kite", "app.kubernetes.io/managed-by": "kite-controllers"},
			},
			Type: corev1.SecretTypeTLS,
		}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %s: %w", name, err)
	}
	return secret, nil
}

// save is a conditional write, so that of two writers one loses and reads again.
func (k *Keeper) save(ctx context.Context, secret *corev1.Secret) error {
	var err error
	if secret.ResourceVersion == "" {
		err = k.writer.Create(ctx, secret)
	} else {
		err = k.writer.Update(ctx, secret)
	}
	if err != nil {
		return fmt.Errorf("write Secret %s: %w", secret.Name, err)
	}
	ctrl.LoggerFrom(ctx).Info("Wrote certificate", "secret", secret.Name)
	return nil
}
