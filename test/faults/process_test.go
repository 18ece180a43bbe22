// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is a running engine, as its clients see it.
type process struct {
	t   testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	log *tail

	writing sync.Mutex // of in
	mu      sync.Mutex
	last    int64
	waiting map[int64]chan reply // nil once the process has ended
	killed  bool
	gone    chan struct{}
}

// startProcess re-executes this binary as an engine.
func startProcess(t testing.TB, cfg engineConfig) *process {
	t.Helper()
	text, err := json.Marshal(cfg)
	require.NoError(t, err)
	p := &process{t: t, log: &tail{}, waiting: map[int64]chan reply{}, gone: make(chan struct{})}
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), engineEnv+"="+string(text), "GORACE=halt_on_error=1")
	p.cmd.Stderr = p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.in, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go p.read(out)
	return p
}

// read hands out replies until the process ends.
func (p *process) read(out io.Reader) {
	defer close(p.gone)
	replies := json.NewDecoder(bufio.NewReader(out))
	for {
		var r reply
		if replies.Decode(&r) != nil {
			break
		}
		p.mu.Lock()
		c := p.waiting[r.ID]
		if r.Result != streaming {
			delete(p.waiting, r.ID)
		}
		p.mu.Unlock()
		if c != nil {
			c <- r
		}
	}
	err := p.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, c := range p.waiting {
		c <- reply{ID: id, Result: lost}
	}
	p.waiting = nil
	if err != nil && !p.killed {
		p.t.Errorf("an engine process ended by itself: %v\n%s", err, p.log)
	}
}

// neverSent answers a request to a process that had already ended.
const neverSent result = "never sent"

// send returns the channel on which replies arrive; what is sent to a process that has
// ended is answered there, too. A watch has a buffer for what its reader has yet to take.
func (p *process) send(req request, buffer int) (id int64, replies chan reply) {
	c := make(chan reply, buffer)
	p.mu.Lock()
	p.last++
	req.ID = p.last
	if p.waiting == nil {
		p.mu.Unlock()
		c <- reply{ID: req.ID, Result: neverSent}
		return req.ID, c
	}
	if req.Verb != cancel {
		p.waiting[req.ID] = c
	}
	p.mu.Unlock()
	line, err := json.Marshal(req)
	if err != nil {
		p.t.Errorf("encode %+v: %v", req, err)
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	_, _ = p.in.Write(append(line, '\n')) // a failure shows as the end of the process
	return req.ID, c
}

func (p *process) call(req request) reply {
	_, replies := p.send(req, 1)
	return <-replies
}

func (p *process) signal(sig syscall.Signal) { _ = p.cmd.Process.Signal(sig) }

func (p *process) kill() {
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	p.signal(syscall.SIGKILL)
	<-p.gone
}

// stop ends the process in order: a race or a crash shows as its exit code.
func (p *process) stop() {
	_ = p.in.Close()
	select {
	case <-p.gone:
	case <-time.After(patience):
		p.t.Errorf("an engine process does not end\n%s", p.log)
		p.kill()
	}
}

// tail keeps the end of a log.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 16 << 10

// Write implements io.Writer.
func (l *tail) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, data...)
	if len(l.text) > tailBytes {
		l.text = append([]byte(nil), l.text[len(l.text)-tailBytes:]...)
	}
	return len(data), nil
}

// String implements fmt.Stringer.
func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}
