// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// envDSN names the server that the benchmarks use.
const envDSN = "KITE_TEST_POSTGRES_DSN"

// writeEnvironment writes what a figure means nothing without. It stands at the top of
// the tree, and fails where a write need not reach the disk: such a run compares nothing.
func writeEnvironment(ctx context.Context, out io.Writer, command string) error {
	commit, err := gitCommit(ctx)
	if err != nil {
		return err
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err
	}
	postgres, err := postgresVersion(ctx)
	if err != nil {
		return err
	}
	etcd, err := etcdVersion()
	if err != nil {
		return err
	}
	for _, line := range [][2]string{
		{"date", time.Now().UTC().Format(time.RFC3339)},
		{"command", command},
		{"commit", commit},
		{"cores", fmt.Sprint(runtime.NumCPU())},
		{"kernel", strings.TrimSpace(string(kernel))},
		{"go", runtime.Version()},
		{"postgres", postgres},
		{"etcd", etcd},
	} {
		fmt.Fprintf(out, "%s: %s\n", line[0], line[1])
	}
	return nil
}

func gitCommit(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "", fmt.Errorf("ask git for the commit: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

func postgresVersion(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, os.Getenv(envDSN))
	if err != nil {
		return "", fmt.Errorf("connect to the PostgreSQL that %s names: %w", envDSN, err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var version, fsync, commit, buffers string
	const sql = `SELECT current_setting('server_version'), current_setting('fsync'),
		current_setting('synchronous_commit'), current_setting('shared_buffers')`
	if err := conn.QueryRow(ctx, sql).Scan(&version, &fsync, &commit, &buffers); err != nil {
		return "", err
	}
	if fsync != "on" || commit != "on" {
		return "", fmt.Errorf("PostgreSQL runs with fsync=%s synchronous_commit=%s: its commits are not durable", fsync, commit)
	}
	return fmt.Sprintf("%s fsync=on synchronous_commit=on shared_buffers=%s", version, buffers), nil
}

var etcdModule = regexp.MustCompile(`go\.etcd\.io/etcd/server/v3 (v\S+)`)

func etcdVersion() (string, error) {
	path := filepath.Join("hack", "cluster", "etcd", "go.mod")
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	match := etcdModule.FindSubmatch(data)
	if match == nil {
		return "", errors.New(path + " does not require etcd's server")
	}
	return string(match[1]) + " fsync=on", nil
}
