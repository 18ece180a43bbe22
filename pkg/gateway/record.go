// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
)

// maxLoggedPath is how much of a path, which a stranger may have made up, is logged.
const maxLoggedPath = 256

// record is what the access log says of a request beyond its answer.
type record struct {
	namespace, sender string
	// accepted says that the API has accepted the sender's token. Reports are sent
	// concurrently.
	accepted atomic.Bool
}

type recordKey struct{}

func recordOf(ctx context.Context) *record {
	if found, ok := ctx.Value(recordKey{}).(*record); ok {
		return found
	}
	return &record{}
}

// LogNamespace says for the access log which namespace a request is for.
func LogNamespace(ctx context.Context, namespace string) { recordOf(ctx).namespace = namespace }

// LogSender says for the access log who sent a request, where the source found out.
func LogSender(ctx context.Context, sender string) { recordOf(ctx).sender = sender }

// account is the sender's, where it is proven: a source found out, or the API has accepted
// the token. Without that anybody can have written it.
func (r *record) account(token string) string {
	if r.sender != "" || !r.accepted.Load() {
		return r.sender
	}
	return serviceAccountOf(token)
}

// serviceAccountOf reads the account out of a token. Those of others name users in ways that
// only the API knows.
func serviceAccountOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if json.Unmarshal(payload, &claims) != nil || !strings.HasPrefix(claims.Subject, "system:serviceaccount:") {
		return ""
	}
	return claims.Subject
}

func loggedPath(r *http.Request) string {
	return strings.ToValidUTF8(r.URL.Path[:min(len(r.URL.Path), maxLoggedPath)], "")
}

// answer remembers what was written.
type answer struct {
	http.ResponseWriter

	status int
	bytes  int64
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(data []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(data)
	a.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
