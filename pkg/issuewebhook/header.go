// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook

import (
	"net/http"
	"strings"

	"kite.dev/kite/pkg/apis/issues"
)

// secretive are parts of the names of headers that carry what makes a sender trusted: an
// expression could show it in an issue.
var secretive = []string{
	"auth", "cookie", "credential", "csrf", "hmac", "jwt", "key", "passw", "secret", "session", "sign", "token",
}

// idempotencyKey has a part of a name that is secretive, and is not.
const idempotencyKey = "idempotency-key"

// hidden are further headers that no expression sees, in lower case.
type hidden map[string]bool

// hiddenBy are those that the webhook's own sender puts its signature into.
func hiddenBy(authentication *issues.WebhookAuthentication) hidden {
	if authentication.HMAC == nil {
		return nil
	}
	return hidden{strings.ToLower(authentication.HMAC.Header): true}
}

// visible are a delivery's headers by their names in lower case. What was sent several
// times is joined as RFC 9110 says.
func (h hidden) visible(header http.Header) map[string]string {
	out := make(map[string]string, len(header))
	for name, values := range header {
		name = strings.ToLower(name)
		if !h[name] && !isSecretive(name) {
			out[name] = strings.Join(values, ", ")
		}
	}
	return out
}

func isSecretive(name string) bool {
	if name == idempotencyKey {
		return false
	}
	for _, part := range secretive {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// keyHeaderOf names the header by which a sender tells a delivery that it repeats.
func keyHeaderOf(authentication *issues.WebhookAuthentication) string {
	if authentication.Github != nil {
		return "x-github-delivery"
	}
	return idempotencyKey
}
