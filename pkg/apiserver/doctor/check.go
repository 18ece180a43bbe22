// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	_ "embed" // the statements
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"kite.dev/kite/pkg/storage/postgres"
)

// minServerVersion is server_version_num of the oldest PostgreSQL that Kite works on.
const minServerVersion = 150000

const (
	mendMigrate = "run `kite-apiserver migrate` as the schema's owner"
	mendGrant   = "grant the role USAGE on the schema, and SELECT, INSERT, UPDATE and DELETE on its tables"
)

// SQLSTATEs that a check tells apart.
const (
	undefinedTable        = "42P01"
	insufficientPrivilege = "42501"
)

var (
	//go:embed sql/server.sql
	serverSQL string
	//go:embed sql/schema.sql
	schemaSQL string
	//go:embed sql/schema_version.sql
	schemaVersionSQL string
	//go:embed sql/compatibility.sql
	compatibilitySQL string
	//go:embed sql/role.sql
	roleSQL string
	//go:embed sql/identity.sql
	identitySQL string
	//go:embed sql/feed.sql
	feedSQL string
)

func (e *examiner) server(ctx context.Context) ([]Finding, bool, error) {
	var number int
	var version, tls string
	var standby, local bool
	if err := e.conn.QueryRow(ctx, serverSQL).Scan(&number, &version, &standby, &tls, &local); err != nil {
		return nil, false, fmt.Errorf("read the server's version: %w", err)
	}
	findings := []Finding{serverVersion(number, version), encryption(tls, local)}
	if standby {
		return append(findings, Finding{
			Fail, "the server is a standby",
			"name the primary in the DSN, or all hosts and target_session_attrs=read-write",
		}), false, nil
	}
	return append(findings, ok("the server is a primary")), number >= minServerVersion, nil
}

func serverVersion(number int, version string) Finding {
	if number < minServerVersion {
		return Finding{Fail, "PostgreSQL " + version, "upgrade to 15 or newer"}
	}
	return ok("PostgreSQL %s", version)
}

func encryption(tls string, local bool) Finding {
	if tls != "" {
		return ok("connection encrypted with %s", tls)
	}
	if local {
		return ok("connection over a local socket")
	}
	return Finding{Warn, "connection not encrypted", "set sslmode=verify-full and sslrootcert in the DSN"}
}

func (e *examiner) schema(ctx context.Context) ([]Finding, bool, error) {
	var usable bool
	err := e.conn.QueryRow(ctx, schemaSQL, e.cfg.Schema).Scan(&usable)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return []Finding{{Fail, fmt.Sprintf("schema %s does not exist", e.cfg.Schema), mendMigrate}}, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("look for schema %s: %w", e.cfg.Schema, err)
	case !usable:
		return []Finding{{Fail, fmt.Sprintf("the role may not use schema %s", e.cfg.Schema), mendGrant}}, false, nil
	default:
		return e.schemaVersion(ctx)
	}
}

func (e *examiner) schemaVersion(ctx context.Context) ([]Finding, bool, error) {
	have, want := int32(0), postgres.SchemaVersion()
	err := e.conn.QueryRow(ctx, schemaVersionSQL).Scan(&have)
	if err != nil && !hasCode(err, undefinedTable) {
		return nil, false, fmt.Errorf("read the version of schema %s: %w", e.cfg.Schema, err)
	}
	what := fmt.Sprintf("schema %s is at version %d of %d", e.cfg.Schema, have, want)
	switch {
	case have < want:
		return []Finding{{Fail, what, mendMigrate}}, false, nil
	case have > want:
		return e.newerSchema(ctx, what, want)
	default:
		return []Finding{ok("%s", what)}, true, nil
	}
}

// newerSchema judges a schema that a newer program has migrated.
func (e *examiner) newerSchema(ctx context.Context, what string, want int32) ([]Finding, bool, error) {
	oldest := int32(0)
	if err := e.conn.QueryRow(ctx, compatibilitySQL).Scan(&oldest); err != nil {
		return nil, false, fmt.Errorf("read which programs may use schema %s: %w", e.cfg.Schema, err)
	}
	if oldest > want {
		return []Finding{{Fail, what, "run a newer kite-apiserver"}}, false, nil
	}
	return []Finding{ok("%s, newer than this program, which may use it", what)}, true, nil
}

func (e *examiner) role(ctx context.Context) ([]Finding, bool, error) {
	var name, denied string
	var super bool
	var owned int
	if err := e.conn.QueryRow(ctx, roleSQL, e.cfg.Schema).Scan(&name, &super, &owned, &denied); err != nil {
		return nil, false, fmt.Errorf("read the rights of the role: %w", err)
	}
	switch {
	case denied != "":
		return []Finding{{
			Fail, fmt.Sprintf("role %s may not read and write %s", name, denied),
			mendGrant,
		}}, false, nil
	case super:
		return []Finding{{
			Warn, fmt.Sprintf("role %s is a superuser", name),
			"serve as a role that owns nothing; only migrate needs the owner",
		}}, true, nil
	case owned > 0:
		return []Finding{{
			Warn, fmt.Sprintf("role %s owns %d of the schema's tables", name, owned),
			"serve as a role that owns nothing; only migrate needs the owner",
		}}, true, nil
	default:
		return []Finding{ok("role %s reads and writes, and owns no table", name)}, true, nil
	}
}

func (e *examiner) identity(ctx context.Context) ([]Finding, bool, error) {
	var same *bool
	var timeline string
	err := e.conn.QueryRow(ctx, identitySQL).Scan(&same, &timeline)
	switch {
	case hasCode(err, insufficientPrivilege):
		return []Finding{{
			Warn, "the database hides its identity, so a promotion that lost no revision goes unnoticed",
			"GRANT EXECUTE ON FUNCTION pg_control_system() to the role",
		}}, true, nil
	case err != nil:
		return nil, false, fmt.Errorf("read the database's identity: %w", err)
	case same == nil:
		return []Finding{ok("no server has recorded the database's identity yet")}, true, nil
	case !*same:
		return []Finding{{
			Warn, fmt.Sprintf("the database was promoted or restored; revisions are of timeline %s", timeline),
			"nothing to do: the next connection of a server moves revisions ahead, and every client lists anew",
		}}, true, nil
	default:
		return []Finding{ok("revisions are of this database, timeline %s", timeline)}, true, nil
	}
}

func (e *examiner) feed(ctx context.Context) ([]Finding, bool, error) {
	var newest, compacted int64
	var seconds float64
	if err := e.conn.QueryRow(ctx, feedSQL).Scan(&newest, &compacted, &seconds); err != nil {
		return nil, false, fmt.Errorf("read the change feed: %w", err)
	}
	age := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	what := fmt.Sprintf("newest revision %d, trimmed up to %d, oldest kept change %s old", newest, compacted, age)
	if age > 2*e.cfg.History {
		return []Finding{{
			Warn, what,
			"history is trimmed by a running server: start one, or look for `trim history` in its log with -v=2",
		}}, true, nil
	}
	return []Finding{ok("%s", what)}, true, nil
}

func hasCode(err error, code string) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == code
}
