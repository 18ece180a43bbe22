// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a daemon of the cluster. Its pid file outlives this program and
// holds the pid, the kernel's start time of that pid (so that a pid that was
// used again is never taken for ours), and a digest of the command.
type process struct {
	c    *cluster
	name string
	path string
	args []string
	env  []string            // added to this program's environment
	cred *syscall.Credential // nil: this program's user
}

func (c *cluster) daemon(name, path string, args ...string) *process {
	return &process{c: c, name: name, path: path, args: args}
}

func (p *process) logFile() string { return p.c.path("logs", p.name+".log") }

func (p *process) pidFile() string { return p.c.path("pids", p.name) }

// start runs the daemon in a session of its own; one that already runs the same command stays.
func (p *process) start() error {
	digest := p.digest()
	if pid, old := p.running(); pid != 0 {
		if old == digest {
			return nil
		}
		if err := p.stop(); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(p.logFile()), stateMode); err != nil {
		return err
	}
	log, err := os.Create(p.logFile())
	if err != nil {
		return err
	}
	defer log.Close()
	// Without a context that ends it: the daemon outlives this program.
	cmd := exec.CommandContext(context.Background(), p.path, p.args...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: p.cred}
	if err := cmd.Start(); err != nil {
		return err
	}
	record := fmt.Sprintf("%d %s %s\n", cmd.Process.Pid, startTime(cmd.Process.Pid), digest)
	return p.c.write(filepath.Join("pids", p.name), []byte(record), 0o644)
}

func (p *process) digest() string {
	sum := sha256.Sum256([]byte(strings.Join(append(append([]string{p.path}, p.args...), p.env...), "\x00")))
	return fmt.Sprintf("%x", sum[:8])
}

// running returns pid 0 when the recorded process is gone.
func (p *process) running() (pid int, digest string) {
	data, err := os.ReadFile(p.pidFile())
	if err != nil {
		return 0, ""
	}
	var begin string
	if _, err := fmt.Sscan(string(data), &pid, &begin, &digest); err != nil {
		return 0, ""
	}
	if startTime(pid) != begin {
		return 0, ""
	}
	return pid, digest
}

// ready waits until check succeeds. It gives up at once when the daemon ends.
func (p *process) ready(ctx context.Context, limit time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := waitFor(ctx, limit, func(ctx context.Context) error {
		if pid, _ := p.running(); pid == 0 {
			cancel(errors.New("it stopped"))
			return context.Cause(ctx)
		}
		return check(ctx)
	})
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("%s: %w; see %s", p.name, err, p.logFile())
	}
	return nil
}

// stop ends the daemon, first kindly, after ten seconds by force.
func (p *process) stop() error { return p.stopWith(syscall.SIGTERM) }

func (p *process) stopWith(sig syscall.Signal) error {
	for _, s := range []syscall.Signal{sig, syscall.SIGKILL} {
		pid, _ := p.running()
		if pid == 0 {
			break
		}
		if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop %s: %w", p.name, err)
		}
		//nolint:errcheck // A daemon that outlives the signal gets the next one.
		waitFor(context.Background(), 10*time.Second, p.gone)
	}
	if err := p.gone(context.Background()); err != nil {
		return err
	}
	if err := os.Remove(p.pidFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (p *process) gone(context.Context) error {
	if pid, _ := p.running(); pid != 0 {
		return fmt.Errorf("%s (pid %d) does not end", p.name, pid)
	}
	return nil
}

// startTime is field 22 of /proc/PID/stat, empty for a pid that is gone or a zombie.
func startTime(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The second field, the program's name in brackets, may hold spaces.
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 20 || fields[0] == "Z" {
		return ""
	}
	return fields[19]
}
