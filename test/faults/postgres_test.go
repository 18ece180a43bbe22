// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// postgresServer is a server of the test's own, which it may kill. It listens on a Unix
// socket in a folder that is closed to others: no port can be taken by somebody else.
type postgresServer struct {
	dir      string
	password string
	cmd      *exec.Cmd
	log      *tail
	done     chan struct{}
}

// template is a data folder to copy; initdb takes long.
var template = sync.OnceValues(func() (*postgresServer, error) {
	s, err := newFolder()
	if err != nil {
		return nil, err
	}
	s.password = rand.Text()
	password := filepath.Join(s.dir, "password")
	if err := os.WriteFile(password, []byte(s.password), 0o644); err != nil {
		return nil, err
	}
	return s, s.run("initdb", "-D", s.data(), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
		"--no-sync", "--auth=scram-sha-256", "--pwfile="+password)
})

func removeTemplate() {
	if s, _ := template(); s != nil {
		_ = os.RemoveAll(s.dir)
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

func (s *postgresServer) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(program(name), args...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "PGPASSWORD="+s.password)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: postgresAccount(), Pdeathsig: syscall.SIGKILL}
	return cmd
}

func (s *postgresServer) run(name string, args ...string) error {
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

func (s *postgresServer) data() string { return filepath.Join(s.dir, "data") }

func (s *postgresServer) socket() string { return filepath.Join(s.dir, ".s.PGSQL.5432") }

// dsn is the way past all proxies.
func (s *postgresServer) dsn(role, database string) string {
	query := url.Values{"host": {s.dir}, "user": {role}, "password": {s.password}}
	return "postgres:///" + database + "?" + query.Encode()
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

// start waits until the server takes connections. What a killed server left behind may
// need a moment to go away.
func (s *postgresServer) start(t testing.TB) {
	t.Helper()
	require.Eventually(t, func() bool {
		s.launch(t)
		for s.running() {
			if s.ready() {
				return true
			}
			pause(t.Context(), 20*time.Millisecond)
		}
		return false
	}, patience, 50*time.Millisecond, "PostgreSQL does not start: %s", s.log)
}

func (s *postgresServer) launch(t testing.TB) {
	t.Helper()
	// The machine does not crash in these tests: what is written survives its process.
	settings := []string{
		"fsync=off", "synchronous_commit=on", "listen_addresses=", "unix_socket_directories=" + s.dir,
		"max_connections=100", "shared_buffers=64MB", "max_wal_senders=4", "wal_level=replica", "hot_standby=on",
		"wal_receiver_timeout=5s", "wal_retrieve_retry_interval=100ms",
	}
	args := []string{"-D", s.data()}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	s.log, s.done = &tail{}, make(chan struct{})
	s.cmd = s.command("postgres", args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.WaitDelay = time.Second // the log is inherited by children that outlive a killed server for a while
	require.NoError(t, s.cmd.Start())
	cmd, done := s.cmd, s.done
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
}

func (s *postgresServer) running() bool {
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

func (s *postgresServer) ready() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.dsn("postgres", "postgres"))
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

// kill ends the server's first process only: its children notice in their own time.
func (s *postgresServer) kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

// crash ends all of the server's processes at once, as when its machine dies.
func (s *postgresServer) crash() {
	if s.cmd == nil || !s.running() {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGSTOP) // no more children
	children := childrenOf(s.cmd.Process.Pid)
	_ = s.cmd.Process.Kill()
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-s.done
}

func childrenOf(parent int) []int {
	var children []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, _ := os.ReadFile(path)
		// pid (name) state parent ...; the name may hold anything.
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			children = append(children, pid)
		}
	}
	return children
}

// exec runs a statement as superuser.
func (s *postgresServer) exec(t testing.TB, database, sql string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.dsn("postgres", database))
	require.NoError(t, err)
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql, args...)
	require.NoError(t, err)
}
