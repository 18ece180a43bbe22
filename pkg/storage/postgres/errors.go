// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
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
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		klog.FromContext(ctx).V(2).Info("PostgreSQL is unavailable", "err", redact(err))
		return unavailable("the database is unavailable")
	}
	return sqlError(ctx, pgErr)
}

// sqlError maps a SQLSTATE, by class where the class decides
// (https://www.postgresql.org/docs/15/errcodes-appendix.html).
func sqlError(ctx context.Context, err *pgconn.PgError) error {
	klog.FromContext(ctx).V(2).Info("PostgreSQL refused a statement", "sqlstate", err.Code, "message", err.Message)
	switch {
	case err.Code == "57014":
		return apierrors.NewTimeoutError("the database did not answer in time", retryAfterSeconds)
	case err.Code == "22021" || err.Code == "22P05":
		return apierrors.NewBadRequest("a string holds bytes that cannot be stored: U+0000 or invalid UTF-8")
	case err.Code == "54000" || err.Code == "22001":
		return apierrors.NewRequestEntityTooLargeError("a field is too long to be stored")
	case isOutage(err.Code):
		return unavailable("the database is unavailable")
	default:
		return apierrors.NewInternalError(fmt.Errorf("the database refused the statement (SQLSTATE %s)", err.Code))
	}
}

// isOutage tells states that pass: lost connections, a full or stopping server, a
// lock that is held too long, and a standby that was reached instead of the primary.
func isOutage(code string) bool {
	for _, class := range []string{"08", "53", "57P", "58", "28", "3D000", "25006", "40", "55P03"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
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
