// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
)

type tokenKey struct{}

// WithToken returns a context for requests to the API with a sender's token.
func WithToken(ctx context.Context, token string) context.Context {
	return context.WithValue(ctx, tokenKey{}, token)
}

func tokenOf(ctx context.Context) (string, bool) {
	token, ok := ctx.Value(tokenKey{}).(string)
	return token, ok && token != ""
}

// bearerToken returns the token of a request, or "".
func bearerToken(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || strings.ContainsAny(token, " \t\r\n") {
		return ""
	}
	return token
}

// errNoToken keeps a request without a sender from being sent as somebody else.
var errNoToken = errors.New("no token to call the API with")

// tokenTransport sends each request with the token in its context and never without one.
type tokenTransport struct{ next http.RoundTripper }

var _ utilnet.RoundTripperWrapper = tokenTransport{}

// RoundTrip implements http.RoundTripper.
func (t tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	token, ok := tokenOf(r.Context())
	if !ok {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, errNoToken
	}
	r = utilnet.CloneRequest(r)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := t.next.RoundTrip(r)
	if err == nil && answer.StatusCode < http.StatusMultipleChoices {
		recordOf(r.Context()).accepted.Store(true)
	}
	return answer, err
}

// WrappedRoundTripper implements utilnet.RoundTripperWrapper.
func (t tokenTransport) WrappedRoundTripper() http.RoundTripper { return t.next }

// CallerConfig is for clients that act as whoever the context of a call has the token of.
// Of the host's configuration it keeps the address and whom to trust, and no credentials.
func CallerConfig(host *rest.Config) *rest.Config {
	cfg := rest.AnonymousClientConfig(host)
	// Senders have their rates, and kube-apiserver has its own fairness.
	cfg.QPS = -1
	cfg.WarningHandler = rest.NoWarnings{}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return tokenTransport{next} })
	return cfg
}
