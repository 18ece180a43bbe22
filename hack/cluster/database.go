// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// externalDSN names a database that the user brings, instead of both private servers.
const externalDSN = "KITE_POSTGRES_DSN"

// startDatabase makes the database for Kite in the cluster; postgres.dsn says where it is.
func (c *cluster) startDatabase(ctx context.Context) error {
	if dsn := os.Getenv(externalDSN); dsn != "" {
		return c.write("postgres.dsn", []byte(dsn), 0o600)
	}
	p, err := c.clusterPostgres()
	if err != nil {
		return err
	}
	return p.start(ctx)
}

// postgresUp starts the server for tests and prints its DSN, and nothing else, on standard output.
func (c *cluster) postgresUp(ctx context.Context) error {
	if dsn := os.Getenv(externalDSN); dsn != "" {
		fmt.Println(dsn)
		return nil
	}
	if err := c.lock(); err != nil {
		return err
	}
	if err := c.installPackages(ctx, "postgresql"); err != nil {
		return err
	}
	root, err := c.authority(rootCA)
	if err != nil {
		return err
	}
	if err := root.issue("postgres", identities["postgres"]); err != nil {
		return err
	}
	p, err := c.testPostgres()
	if err != nil {
		return err
	}
	if err := p.start(ctx); err != nil {
		return err
	}
	dsn, err := os.ReadFile(p.dsnFile())
	if err != nil {
		return err
	}
	fmt.Println(strings.TrimSpace(string(dsn)))
	return nil
}

func (c *cluster) postgresDown(context.Context) error {
	if err := c.lock(); err != nil {
		return err
	}
	p, err := c.testPostgres()
	if err != nil {
		return err
	}
	return p.remove()
}
