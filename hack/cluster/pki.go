// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	caLife   = 10 * 365 * 24 * time.Hour
	certLife = 365 * 24 * time.Hour
)

// authority is a certificate authority of the cluster, kept in pki/NAME.crt and .key.
type authority struct {
	c    *cluster
	name string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// identity is what a certificate says: whom it names and, for a server, where it answers.
type identity struct {
	name   string
	groups []string
	hosts  []string
}

func (c *cluster) cert(name string) string { return c.path("pki", name+".crt") }

func (c *cluster) key(name string) string { return c.path("pki", name+".key") }

// authority loads a certificate authority and makes it the first time.
func (c *cluster) authority(name string) (*authority, error) {
	if !exists(c.cert(name)) {
		template := &x509.Certificate{
			Subject:               pkix.Name{CommonName: name},
			NotAfter:              time.Now().Add(caLife),
			KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
			BasicConstraintsValid: true,
			IsCA:                  true,
		}
		if err := c.sign(name, template, nil); err != nil {
			return nil, err
		}
	}
	cert, err := readCert(c.cert(name))
	if err != nil {
		return nil, err
	}
	key, err := readKey(c.key(name))
	if err != nil {
		return nil, err
	}
	return &authority{c: c, name: name, cert: cert, key: key}, nil
}

// issue makes pki/FILE.crt and .key unless they are there and valid for another month.
func (a *authority) issue(file string, id identity) error {
	cert, err := readCert(a.c.cert(file))
	if err == nil && time.Until(cert.NotAfter) > certLife/12 {
		return nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: id.name, Organization: id.groups},
		NotAfter:    time.Now().Add(certLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if len(id.hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, host := range id.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	return a.c.sign(file, template, a)
}

// sign makes a key and its certificate; without a parent the certificate signs itself.
func (c *cluster) sign(file string, template *x509.Certificate, parent *authority) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template.NotBefore = time.Now().Add(-time.Hour)
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return err
	}
	issuer, signer := template, key
	if parent != nil {
		issuer, signer = parent.cert, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, signer)
	if err != nil {
		return fmt.Errorf("sign %s: %w", file, err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	if err := c.writePEM(file+".key", "EC PRIVATE KEY", keyDER, 0o600); err != nil {
		return err
	}
	return c.writePEM(file+".crt", "CERTIFICATE", der, 0o644)
}

func (c *cluster) writePEM(file, kind string, der []byte, mode os.FileMode) error {
	data := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	return c.write(filepath.Join("pki", file), data, mode)
}

func readPEM(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM", path)
	}
	return block.Bytes, nil
}

func readCert(path string) (*x509.Certificate, error) {
	der, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func readKey(path string) (*ecdsa.PrivateKey, error) {
	der, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	return x509.ParseECPrivateKey(der)
}
