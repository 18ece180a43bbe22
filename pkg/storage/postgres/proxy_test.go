// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// proxy stands between engines and PostgreSQL, so that a test can cut their
// connections without the server's knowledge.
type proxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	refused bool
	muted   bool
	clients map[net.Conn]net.Conn
}

func newProxy(t testing.TB) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: listener, clients: map[net.Conn]net.Conn{}}
	t.Cleanup(func() {
		p.refuse(true)
		_ = listener.Close()
		p.closeAll()
	})
	return p
}

// dsn is the connection string that leads through the proxy to the server of another.
func (p *proxy) dsn(t testing.TB, dsn string) string {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	p.target = net.JoinHostPort(cfg.Host, fmt.Sprint(cfg.Port))
	go p.accept()
	host, port, err := net.SplitHostPort(p.listener.Addr().String())
	require.NoError(t, err)
	return fmt.Sprintf("host=%s port=%s user=%s password='%s' dbname=%s sslmode=disable", host, port, cfg.User, cfg.Password, cfg.Database)
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
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	if p.refused {
		_, _ = client.Close(), server.Close()
	}
	p.clients[client] = server
	p.mu.Unlock()
	go func() { _, _ = io.Copy(server, client) }()
	_, _ = io.Copy(answers{p, client}, server)
	_ = client.Close()
}

// answers is the way from the server to a client, on which a muted proxy loses
// everything.
type answers struct {
	proxy  *proxy
	client net.Conn
}

func (a answers) Write(data []byte) (int, error) {
	a.proxy.mu.Lock()
	muted := a.proxy.muted
	a.proxy.mu.Unlock()
	if muted {
		return len(data), nil
	}
	return a.client.Write(data)
}

// mute makes the server's answers get lost, or arrive again.
func (p *proxy) mute(muted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.muted = muted
}

// refuse makes new connections fail, or work again.
func (p *proxy) refuse(refused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = refused
}

// cut breaks the clients' side of all connections; the server's sides stay open, as
// when a network is lost.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client := range p.clients {
		_ = client.Close()
	}
}

func (p *proxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client, server := range p.clients {
		_, _ = client.Close(), server.Close()
	}
}
