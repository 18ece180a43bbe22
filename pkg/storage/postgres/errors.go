// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// retryAfterSeconds is what a client is told to wait while the database is away.
const retryAfterSeconds = 1

// errUnsettled says that a write may or may not have happened.
var errUnsettled = errors.New("the database connection was lost and the outcome of the write is not known")

// apiError turns what the database or the way to it said into what an API client is
// told. SQL, addresses and credentials stay in the server's log. Errors that already
// are for clients pass through.
func apiError(ctx context.Context, err error) error {
	var status apierrors.APIStatus
	if err == nil || errors.As(err, &status) {
		return err
	}
	if errors.Is(err, errUnsettled) {
		return apierrors.NewTimeoutError(errUnsettled.Error(), retryAfterSeconds)
	}
	if ctx.Err() != nil {
		return apierrors.NewTimeoutError("the request was cancelled or ran into its deadline while the database worked on it", retryAfterSeconds)
	}
	if version, ok := errors.AsType[*SchemaVersionError](err); ok {
		return unavailable(version.Error())
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return sqlError(ctx, pgErr)
	}
	if _, ok := errors.AsType[pgx.ScanArgError](err); ok {
		reportFailure(ctx, failedResult, err)
		return misconfigured()
	}
	reportFailure(ctx, failedConnection, redact(err))
	return unavailable(databaseUnavailable)
}

const databaseUnavailable = "the database is unavailable"

// sqlRules map SQLSTATEs, by class where the class decides
// (https://www.postgresql.org/docs/15/errcodes-appendix.html). The first that fits
// decides; what fits none is the fault of the installation, and no client can mend it.
var sqlRules = []struct {
	states []string
	// blameless answers belong to the request or to its size: nobody is to look at
	// the server's log.
	blameless bool
	answer    func() error
}{
	{states: []string{"57014"}, answer: func() error {
		return apierrors.NewTimeoutError("the database did not answer in time", retryAfterSeconds)
	}},
	{states: []string{"22021", "22P05"}, blameless: true, answer: func() error {
		return apierrors.NewBadRequest("a string holds bytes that cannot be stored: U+0000 or invalid UTF-8")
	}},
	{states: []string{"54000", "22001"}, blameless: true, answer: func() error {
		return apierrors.NewRequestEntityTooLargeError("a field is too long to be stored")
	}},
	{states: outageStates, answer: func() error { return unavailable(databaseUnavailable) }},
}

// outageStates pass by themselves, or with what an operator does about the database;
// the same request succeeds then.
var outageStates = []string{
	"08",          // the connection is lost
	"28", "3D000", // the login or the database is refused: rotated, or not yet made
	"53",             // connections, memory or disk are used up
	"57P",            // the server stops, starts, or gives the session up
	"58",             // the server's operating system fails
	"25P03", "25P04", // the session waited too long within a transaction
	"25006", "55000", // a standby was reached instead of the primary
	"40",    // a deadlock, or a conflict with a failover
	"55P03", // the write lock is held too long
	"0A000", // a table changed under a prepared statement, which is prepared anew
}

func hasState(states []string, code string) bool {
	return slices.ContainsFunc(states, func(state string) bool { return strings.HasPrefix(code, state) })
}

func sqlError(ctx context.Context, err *pgconn.PgError) error {
	for _, rule := range sqlRules {
		if !hasState(rule.states, err.Code) {
			continue
		}
		if !rule.blameless {
			reportFailure(ctx, err.Code, err)
		}
		return rule.answer()
	}
	reportFailure(ctx, err.Code, err)
	return misconfigured()
}

// misconfigured answers what no repetition mends: tables or rights are missing, or not
// as this program left them.
func misconfigured() error {
	return apierrors.NewInternalError(errors.New("the database refused what this server needs; the server's log says why"))
}

// IsUnreachable tells a database that could not be connected to, or was starting or
// stopping, from one that answered.
func IsUnreachable(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); !ok {
		return false
	}
	var pgErr *pgconn.PgError
	return !errors.As(err, &pgErr) || strings.HasPrefix(pgErr.Code, "57P")
}

// isBadData tells errors that one operation of a batch causes, so that splitting the
// batch saves the others.
func isBadData(code string) bool {
	return strings.HasPrefix(code, "22") || strings.HasPrefix(code, "23") || strings.HasPrefix(code, "54")
}

func unavailable(message string) error {
	err := apierrors.NewServiceUnavailable(message)
	err.ErrStatus.Details = &metav1.StatusDetails{RetryAfterSeconds: retryAfterSeconds}
	return err
}

func tooLarge(size int) error {
	err := apierrors.NewRequestEntityTooLargeError(fmt.Sprintf(
		"the object takes %d bytes when stored, at most %d are allowed", size, maxValueBytes))
	err.ErrStatus.Code = http.StatusRequestEntityTooLarge
	return err
}

// redact keeps a connection string, and so a password, out of an error: the driver
// masks what it can recognise, which malformed input may evade.
func redact(err error) error {
	if _, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
		return errors.New("want a URL such as postgres://user@host:5432/database?sslmode=verify-full, or key=value pairs")
	}
	return err
}
