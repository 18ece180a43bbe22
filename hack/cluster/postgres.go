// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postgres is a private server: one for the cluster, one for tests, so that
// neither disturbs the other. Both have a role and a database named kite.
type postgres struct {
	c      *cluster
	name   string
	port   int
	listen []string
	query  string // of the DSN
	rights string // of the role
	dir    string
	cred   *syscall.Credential
}

// clusterPostgres is reached by pods at the bridge's address, so its traffic is encrypted. Channel
// binding ties the password to the server's certificate: no client needs a copy of the authority's.
func (c *cluster) clusterPostgres() (*postgres, error) {
	return c.newPostgres("postgres", portPostgres, []string{nodeIP, loopback}, "sslmode=require&channel_binding=require", "CREATEDB")
}

// testPostgres lets tests make roles, which log in from this machine.
func (c *cluster) testPostgres() (*postgres, error) {
	return c.newPostgres("postgres-test", portTestPostgres, []string{loopback}, "sslmode=disable", "CREATEDB CREATEROLE")
}

func (c *cluster) newPostgres(name string, port int, listen []string, query, rights string) (*postgres, error) {
	p := &postgres{c: c, name: name, port: port, listen: listen, query: query, rights: rights, dir: c.path(name)}
	if os.Geteuid() != 0 {
		return p, nil
	}
	cred, err := postgresAccount()
	if err != nil || cred == nil {
		return p, err
	}
	p.cred = cred
	if !p.mayEnter(c.dir) {
		// The home of root is closed to the account that the server must run under.
		sum := sha256.Sum256([]byte(c.dir))
		p.dir = fmt.Sprintf("/var/lib/kite/%s-%x", name, sum[:4])
	}
	return p, nil
}

// postgresAccount is nil as long as PostgreSQL is not installed.
func postgresAccount() (*syscall.Credential, error) {
	account, err := user.Lookup("postgres")
	if errors.As(err, new(user.UnknownUserError)) {
		return nil, nil //nolint:nilnil // No account and no error is what this says.
	}
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func (p *postgres) mayEnter(dir string) bool {
	cmd := exec.CommandContext(context.Background(), "test", "-x", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.cred}
	return cmd.Run() == nil
}

// postgresBin is the folder of the newest PostgreSQL on this machine, or empty.
func postgresBin() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is valid
	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4])
		return n
	}
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) }))
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return ""
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return ""
	}
	return filepath.Dir(path)
}

func (p *postgres) dataDir() string { return filepath.Join(p.dir, "data") }

// socketDir is closed to other users: who may enter it is trusted with every role.
func (p *postgres) socketDir() string { return filepath.Join(p.dir, "socket") }

// dsnFile lies beside the data and is written last: where it stands, the server is complete.
func (p *postgres) dsnFile() string { return filepath.Join(p.dir, "dsn") }

func (p *postgres) process() *process {
	d := p.c.daemon(p.name, filepath.Join(postgresBin(), "postgres"),
		"-D", p.dataDir(),
		"-p", p.c.portString(p.port),
		"-c", "listen_addresses="+strings.Join(p.listen, ","),
		"-c", "unix_socket_directories="+p.socketDir(),
		"-c", "max_connections=300",
		"-c", "password_encryption=scram-sha-256",
		"-c", "ssl=on",
		"-c", "ssl_cert_file=server.crt",
		"-c", "ssl_key_file=server.key",
	)
	d.cred = p.cred
	return d
}

// start makes the server the first time, starts it and writes its DSN.
func (p *postgres) start(ctx context.Context) error {
	if !exists(p.dataDir()) {
		if err := p.create(ctx); err != nil {
			return err
		}
	}
	d := p.process()
	if err := d.start(); err != nil {
		return err
	}
	probe := func(ctx context.Context) error { return p.sql(ctx, "SELECT 1") }
	if err := d.ready(ctx, 30*time.Second, probe); err != nil {
		return err
	}
	if !exists(p.dsnFile()) {
		if err := p.createRole(ctx); err != nil {
			return err
		}
	}
	dsn, err := os.ReadFile(p.dsnFile())
	if err != nil {
		return err
	}
	return p.c.write(p.name+".dsn", dsn, 0o600)
}

// create writes a data folder. It appears at once or not at all.
func (p *postgres) create(ctx context.Context) error {
	temp := p.dataDir() + ".new"
	if err := errors.Join(os.RemoveAll(temp), os.RemoveAll(p.dsnFile())); err != nil {
		return err
	}
	for dir, mode := range map[string]os.FileMode{p.dir: stateMode, p.socketDir(): 0o700} {
		if err := os.MkdirAll(dir, mode); err != nil {
			return err
		}
		if err := p.own(dir); err != nil {
			return err
		}
	}
	err := p.exec(ctx, "initdb", nil, "-D", temp, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if err != nil {
		return err
	}
	// Loopback may do without encryption, the pods' network may not.
	rules := []string{
		"local   all postgres trust",
		"host    all all  " + loopback + "/32 scram-sha-256", //nolint:dupword // every database, every user
		"hostssl all kite " + podCIDR + " scram-sha-256\n",
	}
	if err := os.WriteFile(filepath.Join(temp, "pg_hba.conf"), []byte(strings.Join(rules, "\n")), 0o600); err != nil {
		return err
	}
	for _, ext := range []string{".crt", ".key"} {
		data, err := os.ReadFile(p.c.path("pki", "postgres"+ext))
		if err != nil {
			return err
		}
		target := filepath.Join(temp, "server"+ext)
		if err := errors.Join(os.WriteFile(target, data, 0o600), p.own(target)); err != nil {
			return err
		}
	}
	return os.Rename(temp, p.dataDir())
}

func (p *postgres) own(path string) error {
	if p.cred == nil {
		return nil
	}
	return os.Chown(path, int(p.cred.Uid), int(p.cred.Gid))
}

// createRole makes the role and its database with a password of its own. No newline
// ends the DSN, so that a Secret can be made from the file.
func (p *postgres) createRole(ctx context.Context) error {
	password := rand.Text()
	statements := []string{
		"DROP DATABASE IF EXISTS kite",
		"DROP ROLE IF EXISTS kite",
		"CREATE ROLE kite LOGIN " + p.rights + " PASSWORD '" + password + "'",
		"CREATE DATABASE kite OWNER kite",
	}
	for _, statement := range statements {
		if err := p.sql(ctx, statement); err != nil {
			return err
		}
	}
	dsn := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword("kite", password),
		Host:     net.JoinHostPort(p.listen[0], p.c.portString(p.port)),
		Path:     "/kite",
		RawQuery: p.query,
	}
	return os.WriteFile(p.dsnFile(), []byte(dsn.String()), 0o600)
}

// sql runs one statement as superuser; it goes through standard input, where no process list shows it.
func (p *postgres) sql(ctx context.Context, statement string) error {
	return p.exec(ctx, "psql", strings.NewReader(statement),
		"-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", p.socketDir(), "-p", p.c.portString(p.port), "-U", "postgres")
}

func (p *postgres) exec(ctx context.Context, program string, stdin *strings.Reader, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(postgresBin(), program), args...)
	cmd.Dir = "/"
	if stdin != nil {
		cmd.Stdin = stdin
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.cred}
	return p.c.logged(p.name+"-setup", cmd)
}

// remove stops the server and deletes its data. SIGINT is PostgreSQL's fast
// shutdown: it does not wait for clients.
func (p *postgres) remove() error {
	if err := p.process().stopWith(syscall.SIGINT); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(p.dir), os.RemoveAll(p.c.path(p.name+".dsn")))
}
