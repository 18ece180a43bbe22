// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// How long certificates are valid. They are renewed when a third is left.
const (
	authorityLifetime = 10 * 365 * 24 * time.Hour
	servingLifetime   = 365 * 24 * time.Hour
	// clockSkew is how far the cluster's clocks may be apart.
	clockSkew = time.Hour
)

// pair is a certificate with its key.
type pair struct {
	cert    *x509.Certificate
	certPEM []byte
	key     crypto.Signer
	keyPEM  []byte
}

func parsePair(certPEM, keyPEM []byte) (*pair, error) {
	cert, err := parseCert(certPEM)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return nil, errors.New("key is no PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("key does not belong to the certificate")
	}
	return &pair{cert: cert, certPEM: certPEM, key: key, keyPEM: keyPEM}, nil
}

func parseCert(certPEM []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(certPEM)
	if block == nil {
		return nil, errors.New("certificate is no PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

// newAuthority returns a self-signed certificate that signs others, but no
// further authority.
func newAuthority(now time.Time) (*pair, error) {
	return sign(&x509.Certificate{
		Subject:               pkix.Name{CommonName: fmt.Sprintf("kite-apiserver-ca@%d", now.Unix())},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(authorityLifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}, nil)
}

// newServing returns a certificate for a server with these DNS names, which never
// outlives its authority.
func newServing(authority *pair, names []string, now time.Time) (*pair, error) {
	notAfter := now.Add(servingLifetime)
	if authority.cert.NotAfter.Before(notAfter) {
		notAfter = authority.cert.NotAfter
	}
	return sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: names[0]},
		DNSNames:    names,
		NotBefore:   now.Add(-clockSkew),
		NotAfter:    notAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, authority)
}

// sign makes a key and has it certified by authority, or by itself without one.
func sign(template *x509.Certificate, authority *pair) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	parent, signer := template, crypto.Signer(key)
	if authority != nil {
		parent, signer = authority.cert, authority.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return parsePair(
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}),
	)
}

// fresh says whether more than a third of a certificate's life is left.
func fresh(cert *x509.Certificate, now time.Time) bool {
	third := cert.NotAfter.Sub(cert.NotBefore) / 3
	return now.Before(cert.NotAfter.Add(-third))
}

// serves says whether a certificate is fresh, signed by authority and has exactly
// these names.
func serves(cert *x509.Certificate, authority *pair, names []string, now time.Time) bool {
	return fresh(cert, now) && cert.CheckSignatureFrom(authority.cert) == nil && slices.Equal(cert.DNSNames, names)
}
