// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// proxy stands between one engine and PostgreSQL. Its clients speak TCP, the server is
// reached by its Unix socket.
type proxy struct {
	listener net.Listener

	mu                      sync.Mutex
	change                  sync.Cond // of what follows
	target                  string
	links                   map[*link]struct{}
	refused, stalled, muted bool
	delay                   time.Duration
}

// link is one connection.
type link struct{ client, server net.Conn }

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: listener, target: target, links: map[*link]struct{}{}}
	p.change.L = &p.mu
	go p.accept()
	t.Cleanup(func() {
		_ = listener.Close()
		p.set(func() { p.refused, p.stalled = true, false })
		p.cut()
	})
	return p
}

func (p *proxy) dsn(s *postgresServer) string {
	addr := p.listener.Addr().(*net.TCPAddr)
	return fmt.Sprintf("host=127.0.0.1 port=%d user=kite password=%s dbname=kite sslmode=disable", addr.Port, s.password)
}

// set changes how the proxy behaves from now on.
func (p *proxy) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.change.Broadcast()
}

// mend makes the proxy faultless again.
func (p *proxy) mend() {
	p.set(func() { p.refused, p.stalled, p.muted, p.delay = false, false, false, 0 })
}

func (p *proxy) isRefusing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

func (p *proxy) serve(client net.Conn) {
	p.mu.Lock()
	target, refused := p.target, p.refused
	p.mu.Unlock()
	server, err := net.Dial("unix", target)
	if err != nil || refused {
		_ = client.Close()
		if err == nil {
			_ = server.Close()
		}
		return
	}
	l := &link{client: client, server: server}
	p.set(func() { p.links[l] = struct{}{} })
	go p.copy(server, client, false)
	p.copy(client, server, true)
	_ = client.Close()
}

// copy moves data until one side is closed. A client's end is told to the server; but
// see cutSilently.
func (p *proxy) copy(to, from net.Conn, answers bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && p.pass(answers) {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits while the proxy is stalled, and tells whether the data arrives at all.
func (p *proxy) pass(answers bool) bool {
	p.mu.Lock()
	delay := p.delay
	for p.stalled {
		p.change.Wait()
	}
	muted := p.muted
	p.mu.Unlock()
	if delay > 0 {
		<-time.After(delay)
	}
	return !muted || !answers
}

// cut ends all connections, and both sides know.
func (p *proxy) cut() {
	for l := range p.take() {
		_, _ = l.client.Close(), l.server.Close()
	}
}

// cutSilently ends the clients' side of all connections. The server learns nothing, as
// when a network is lost.
func (p *proxy) cutSilently(t testing.TB) {
	links := p.take()
	for l := range links {
		_ = l.client.Close()
	}
	t.Cleanup(func() {
		for l := range links {
			_ = l.server.Close()
		}
	})
}

// vanish is cutSilently for so long that not even a request to cancel gets through.
func (p *proxy) vanish(ctx context.Context, t testing.TB) {
	p.set(func() { p.refused = true })
	p.cutSilently(t)
	pause(ctx, 50*time.Millisecond)
	p.mend()
}

func (p *proxy) take() map[*link]struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := p.links
	p.links = map[*link]struct{}{}
	return links
}

// pause is for faults that last: they are the event.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
