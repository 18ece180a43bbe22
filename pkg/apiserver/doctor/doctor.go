// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package doctor examines the database that a server is to use, and says how to mend
// what it finds.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"kite.dev/kite/pkg/storage/postgres"
)

// Level is how bad a finding is.
type Level string

// The levels, as they are printed.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "FAIL"
)

// Finding is the result of one check.
type Finding struct {
	Level Level
	// What was found.
	What string
	// Mend says what to do. Empty for OK.
	Mend string
}

// String is the finding in one line.
func (f Finding) String() string {
	line := fmt.Sprintf("%-4s  %s", f.Level, strings.Join(strings.Fields(f.What), " "))
	if f.Mend != "" {
		line += "  — " + f.Mend
	}
	return line
}

func ok(format string, args ...any) Finding {
	return Finding{Level: OK, What: fmt.Sprintf(format, args...)}
}

// connectTimeout bounds the way to the database, queryTimeout each check.
const (
	connectTimeout = 5 * time.Second
	queryTimeout   = 10 * time.Second
)

// examiner holds what the checks share.
type examiner struct {
	conn *pgx.Conn
	cfg  postgres.Config
}

// check examines one thing. It returns false when the later checks make no sense.
type check func(*examiner, context.Context) (findings []Finding, goOn bool, err error)

var checks = []check{
	(*examiner).server,
	(*examiner).schema,
	(*examiner).role,
	(*examiner).identity,
	(*examiner).feed,
}

// Examine runs all checks on the database and schema of a valid cfg. It changes nothing.
func Examine(ctx context.Context, cfg postgres.Config) []Finding {
	conn, err := connect(ctx, cfg)
	if err != nil {
		return []Finding{{
			Fail, "connection: " + err.Error(),
			"check host, port, user, password and network policy in the DSN, and that PostgreSQL runs",
		}}
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()

	findings := []Finding{ok("connection to %s:%d as %s, database %s",
		conn.Config().Host, conn.Config().Port, conn.Config().User, conn.Config().Database)}
	e := &examiner{conn: conn, cfg: cfg}
	for _, c := range checks {
		found, goOn, err := runCheck(ctx, e, c)
		findings = append(findings, found...)
		if err != nil {
			return append(findings, Finding{Fail, err.Error(), "mend that and run doctor again"})
		}
		if !goOn {
			return findings
		}
	}
	return findings
}

func runCheck(ctx context.Context, e *examiner, c check) ([]Finding, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	return c(e, ctx)
}

// connect uses the same search path as the server, and nothing else of its sessions.
func connect(ctx context.Context, cfg postgres.Config) (*pgx.Conn, error) {
	parsed, err := pgx.ParseConfig(cfg.DSN)
	if err != nil {
		return nil, errors.New("the DSN cannot be parsed")
	}
	parsed.ConnectTimeout = connectTimeout
	parsed.RuntimeParams["application_name"] = "kite-apiserver doctor"
	parsed.RuntimeParams["search_path"] = pgx.Identifier{cfg.Schema}.Sanitize()
	return pgx.ConnectConfig(ctx, parsed)
}
