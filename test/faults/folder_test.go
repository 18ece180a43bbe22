// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"crypto/rand"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// template is a data folder to copy; initdb takes long.
var template = sync.OnceValues(func() (*postgresServer, error) {
	s, err := newFolder()
	if err != nil {
		return nil, err
	}
	templateDir = s.dir
	s.password = rand.Text()
	password := filepath.Join(s.dir, "password")
	if err := os.WriteFile(password, []byte(s.password), 0o644); err != nil {
		return nil, err
	}
	return s, s.run("initdb", "-D", s.data(), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
		"--no-sync", "--auth=scram-sha-256", "--pwfile="+password)
})

// templateDir is what removeTemplate removes after all tests.
var templateDir string

func removeTemplate() {
	if templateDir != "" {
		_ = os.RemoveAll(templateDir)
	}
}

// newFolder makes a folder for a server under a short path, which a socket's address needs.
func newFolder() (*postgresServer, error) {
	dir, err := os.MkdirTemp("", "kite-faults-")
	if err != nil {
		return nil, err
	}
	if cred := postgresAccount(); cred != nil {
		err = os.Chown(dir, int(cred.Uid), int(cred.Gid))
	}
	return &postgresServer{dir: dir}, err
}

// postgresAccount is what PostgreSQL runs under when the test is root, which it refuses.
var postgresAccount = sync.OnceValue(func() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil
	}
	uid, _ := strconv.ParseUint(account.Uid, 10, 32)
	gid, _ := strconv.ParseUint(account.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
})

// program is the path of one of PostgreSQL's programs, of the newest version here.
func program(name string) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return name
	}
	version := func(path string) int { n, _ := strconv.Atoi(strings.Split(path, "/")[4]); return n }
	return slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
}

// emptyFolder is a server without data, which goes away with the test.
func emptyFolder(t testing.TB) *postgresServer {
	t.Helper()
	s, err := newFolder()
	require.NoError(t, err)
	t.Cleanup(func() {
		s.crash()
		_ = os.RemoveAll(s.dir)
	})
	origin, err := template()
	require.NoError(t, err)
	s.password = origin.password
	return s
}

// newPostgres starts a server with the role and the database that engines use.
func newPostgres(t testing.TB) *postgresServer {
	t.Helper()
	s := emptyFolder(t)
	origin, err := template()
	require.NoError(t, err)
	require.NoError(t, s.run("cp", "-a", origin.data(), s.data()))
	s.start(t)
	s.exec(t, "postgres", "CREATE ROLE kite LOGIN PASSWORD '"+s.password+"'")
	s.exec(t, "postgres", "CREATE DATABASE kite OWNER kite")
	return s
}
