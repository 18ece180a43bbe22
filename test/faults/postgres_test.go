// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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
