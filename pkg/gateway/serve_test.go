// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/stretchr/testify/require"
	"k8s.io/klog/v2"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
)

var testTime = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func echo(w http.ResponseWriter, r *http.Request) error {
	body, err := ReadBody(r)
	if err != nil {
		return err
	}
	_, err = w.Write(body)
	return err
}

func TestServe(t *testing.T) {
	t.Parallel()
	settings := defaults()
	large := strings.Repeat("x", int(*settings.Limits.BodyBytes)+1)
	cases := map[string]struct {
		reason  string
		method  string
		path    string
		body    string
		edits   []requestEdit
		handler Handler
		want    int
	}{
		"Served":      {reason: "what the source answers", want: http.StatusOK},
		"Slash":       {reason: "clients of KITE end paths with a slash", path: "/hook/", want: http.StatusOK},
		"OtherPath":   {reason: "only sources are served", path: "/hook/more", want: http.StatusNotFound},
		"OtherMethod": {reason: "a source has one method", method: http.MethodGet, want: http.StatusMethodNotAllowed},
		"NoToken":     {reason: "RBAC needs somebody", edits: []requestEdit{withHeader("Authorization", "")}, want: http.StatusUnauthorized},
		"Basic":       {reason: "only bearer tokens are passed on", edits: []requestEdit{withHeader("Authorization", "Basic YTpi")}, want: http.StatusUnauthorized},
		"TwoTokens":   {reason: "no token has spaces", edits: []requestEdit{withToken("a b")}, want: http.StatusUnauthorized},
		"Scheme":      {reason: "schemes have no case", edits: []requestEdit{withHeader("Authorization", "bearer x")}, want: http.StatusOK},
		"Largest":     {reason: "a request of the limit", body: large[1:], want: http.StatusOK},
		"TooLarge":    {reason: "one byte more", body: large, want: http.StatusRequestEntityTooLarge},
		"Compressed":  {reason: "what is read is what was bounded", edits: []requestEdit{withHeader("Content-Encoding", "gzip")}, want: http.StatusUnsupportedMediaType},
		"Problem": {reason: "as the source says", handler: func(http.ResponseWriter, *http.Request) error {
			return &Problem{Status: http.StatusTeapot, Detail: "no coffee"}
		}, want: http.StatusTeapot},
		"UnknownError":  {reason: "a bug", handler: func(http.ResponseWriter, *http.Request) error { return errors.New("bug") }, want: http.StatusInternalServerError},
		"Panic":         {reason: "a bug of another kind", handler: func(http.ResponseWriter, *http.Request) error { panic("bug") }, want: http.StatusInternalServerError},
		"WrongEncoding": {reason: "identity is no encoding", edits: []requestEdit{withHeader("Content-Encoding", "identity")}, want: http.StatusOK},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.handler == nil {
				tc.handler = echo
			}
			if tc.path == "" {
				tc.path = "/hook"
			}
			if tc.method == "" {
				tc.method = http.MethodPost
			}
			h := NewHandler(settings, testClock(), testSource(tc.handler))
			w := send(t, h, tc.method, tc.path, tc.body, tc.edits...)
			require.Equal(t, tc.want, w.Code, "%s: %s", tc.reason, w.Body)
			if tc.want != http.StatusOK {
				said := problem(t, w)
				require.NotContains(t, said["detail"], "bug", "what is wrong here is not told")
			}
			if tc.want == http.StatusUnauthorized {
				require.Equal(t, "Bearer", w.Header().Get("WWW-Authenticate"), "a token would help")
			}
			if tc.want == http.StatusMethodNotAllowed {
				require.Equal(t, http.MethodPost, w.Header().Get("Allow"))
			}
		})
	}
}

// TestTokenIsInTheContext, and nothing else of who sends: sources that authenticate their
// senders by themselves have it, too, when there is one.
func TestTokenIsInTheContext(t *testing.T) {
	t.Parallel()
	h := NewHandler(defaults(), testClock(), admitting("test", "/hook", "sender", func(w http.ResponseWriter, r *http.Request) error {
		token, found := tokenOf(r.Context())
		_, err := fmt.Fprint(w, token, found)
		return err
	}))
	require.Equal(t, "secrettrue", send(t, h, http.MethodPost, "/hook", "").Body.String())
	require.Equal(t, "false", send(t, h, http.MethodPost, "/hook", "", withHeader("Authorization", "")).Body.String())
}

func TestRate(t *testing.T) {
	t.Parallel()
	settings := defaults()
	settings.Limits.SenderQPS, settings.Limits.SenderBurst = new(int32(1)), new(int32(3))
	clock := testClock()
	h := NewHandler(settings, clock, testSource(ok), admitting("own", "/own/x", "x", ok), admitting("own", "/own/y", "y", ok))
	post := func(path, token string) int { return send(t, h, http.MethodPost, path, "", withToken(token)).Code }

	for range 3 {
		require.Equal(t, http.StatusOK, post("/hook", "a"))
	}
	w := send(t, h, http.MethodPost, "/hook", "", withToken("a"))
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	require.Equal(t, "1", w.Header().Get("Retry-After"), "one request in a second")
	problem(t, w)
	require.Equal(t, http.StatusOK, post("/hook", "b"), "others are not concerned")
	clock.Step(time.Second)
	require.Equal(t, http.StatusOK, post("/hook", "a"))
	require.Equal(t, http.StatusTooManyRequests, post("/hook", "a"), "who was refused has not paid for it")

	for i := range 3 {
		require.Equal(t, http.StatusOK, post("/own/x", fmt.Sprint("token-", i)))
	}
	require.Equal(t, http.StatusTooManyRequests, post("/own/x", "token-9"), "another token makes no other sender")
	require.Equal(t, http.StatusOK, post("/own/y", "token-9"))
}

func TestUnnamedSendersAreNotBound(t *testing.T) {
	t.Parallel()
	settings := defaults()
	settings.Limits.SenderBurst = new(int32(1))
	h := NewHandler(settings, testClock(), admitting("test", "/hook", "", ok))
	for range 3 {
		require.Equal(t, http.StatusOK, send(t, h, http.MethodPost, "/hook", "").Code)
	}
}

func TestLimiterForgets(t *testing.T) {
	t.Parallel()
	l := newLimiter(&configv1alpha1.GatewayLimits{SenderQPS: new(int32(1)), SenderBurst: new(int32(1)), Senders: new(int32(2))}, testClock())
	a, b, c := keyOf("token", "a"), keyOf("token", "b"), keyOf("token", "c")
	require.Zero(t, l.take(a))
	require.Zero(t, l.take(b))
	require.NotZero(t, l.take(a))
	require.Zero(t, l.take(c), "b was silent longest")
	require.NotZero(t, l.take(a))
	require.Equal(t, 2, l.buckets.Len())
	require.NotEqual(t, keyOf("a", "b"), keyOf("ab", ""))
}

func TestInFlight(t *testing.T) {
	t.Parallel()
	settings := defaults()
	settings.Limits.InFlight = new(int32(1))
	entered, leave := make(chan struct{}), make(chan struct{})
	health := Source{Name: "health", Pattern: "/health", Unbounded: true, Handler: ok}
	h := NewHandler(settings, testClock(), health, testSource(func(w http.ResponseWriter, r *http.Request) error {
		entered <- struct{}{}
		<-leave
		return ok(w, r)
	}))
	first := make(chan int)
	go func() { first <- send(t, h, http.MethodPost, "/hook", "").Code }()
	<-entered
	w := send(t, h, http.MethodPost, "/hook", "")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "1", w.Header().Get("Retry-After"))
	problem(t, w)
	require.Equal(t, http.StatusOK, send(t, h, http.MethodPost, "/health", "").Code)
	close(leave)
	require.Equal(t, http.StatusOK, <-first)
	go func() { first <- send(t, h, http.MethodPost, "/hook", "").Code }()
	<-entered
	require.Equal(t, http.StatusOK, <-first, "its place is free again")
}

// TestSlowBodies: who is slow to send takes nobody's place.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	settings := defaults()
	settings.Limits.InFlight = new(int32(1))
	h := NewHandler(settings, testClock(), testSource(echo))
	body, slow := io.Pipe()
	first := make(chan *httptest.ResponseRecorder)
	go func() {
		first <- send(t, h, http.MethodPost, "/hook", "", func(r *http.Request) { r.Body = body })
	}()
	_, err := io.WriteString(slow, "half ") // it is read
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, send(t, h, http.MethodPost, "/hook", "").Code)
	_, err = io.WriteString(slow, "and half")
	require.NoError(t, err)
	require.NoError(t, slow.Close())
	w := <-first
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "half and half", w.Body.String())
}

// TestDeadline: a request whose sender waits for ever ends all the same.
func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		settings := defaults()
		h := NewHandler(settings, testClock(), testSource(func(_ http.ResponseWriter, r *http.Request) error {
			<-r.Context().Done()
			return r.Context().Err()
		}))
		start := time.Now()
		require.Equal(t, http.StatusServiceUnavailable, send(t, h, http.MethodPost, "/hook", "").Code)
		require.Equal(t, settings.Timeouts.Read.Duration+settings.Timeouts.Report.Duration, time.Since(start))
	})
}

// TestAccessLog: what is said of a request, and that no secret is.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	const subject = "system:serviceaccount:team-gamma:ci"
	account := token(t, subject)
	cases := map[string]struct {
		reason  string
		path    string
		token   string
		handler Handler
		want    []string
		not     []string
	}{
		"Accepted": {
			reason: "the API has accepted the token, so that its subject is true",
			path:   "/hook?token=query-secret", token: account,
			handler: func(w http.ResponseWriter, r *http.Request) error {
				LogNamespace(r.Context(), "team-gamma")
				ask(t, r, http.StatusCreated)
				return ok(w, r)
			},
			want: []string{
				`"source"="test"`, `"method"="POST"`, `"path"="/hook"`, `"namespace"="team-gamma"`,
				`"sender"="` + subject + `"`, `"status"=200`, `"duration"=`, `"bytes"=16`,
			},
		},
		"NotAsked": {
			reason: "anybody can write a token, and nothing was to be reported", path: "/hook", token: account,
			handler: ok, want: []string{`"status"=200`, `"sender"=""`}, not: []string{subject},
		},
		"Refused": {
			reason: "the API did not accept the token, whatever the source makes of that", path: "/hook", token: account,
			handler: func(w http.ResponseWriter, r *http.Request) error {
				ask(t, r, http.StatusUnauthorized)
				return ok(w, r)
			},
			want: []string{`"status"=200`, `"sender"=""`}, not: []string{subject},
		},
		"Named": {
			reason: "a source knows its senders", path: "/hook", token: account,
			handler: func(w http.ResponseWriter, r *http.Request) error {
				ask(t, r, http.StatusCreated)
				LogSender(r.Context(), "webhook team-gamma/jenkins")
				return ok(w, r)
			},
			want: []string{`"sender"="webhook team-gamma/jenkins"`}, not: []string{subject},
		},
		"Failed": {
			reason: "what senders are not told is in the log", path: "/hook", token: account,
			handler: func(http.ResponseWriter, *http.Request) error { return errors.New("a bug") },
			want:    []string{"a bug", `"status"=500`},
		},
		"Opaque": {
			reason: "of other tokens nothing is known", path: "/hook", token: "opaque-secret",
			handler: func(w http.ResponseWriter, r *http.Request) error {
				ask(t, r, http.StatusCreated)
				return ok(w, r)
			},
			want: []string{`"sender"=""`}, not: []string{"opaque"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lines []string
			logger := funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})
			h := NewHandler(defaults(), testClock(), testSource(tc.handler))
			send(t, h, http.MethodPost, tc.path, "body-secret", withToken(tc.token), func(r *http.Request) {
				*r = *r.WithContext(klog.NewContext(r.Context(), logger))
			})
			require.Len(t, lines, 1, tc.reason)
			for _, part := range tc.want {
				require.Contains(t, lines[0], part, tc.reason)
			}
			for _, secret := range append(tc.not, tc.token, "query-secret", "body-secret") {
				require.NotContains(t, lines[0], secret, tc.reason)
			}
		})
	}
}

// ask sends a request to the API as the sender of r, and answers it with a code.
func ask(t testing.TB, r *http.Request, code int) {
	t.Helper()
	api := tokenTransport{roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: code, Body: http.NoBody}, nil
	})}
	answer, err := api.RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestReadJSON(t *testing.T) {
	t.Parallel()
	var out struct {
		Name  string `json:"name"`
		Count int    `json:"count"`
	}
	read := func(body string) ([]FieldError, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		require.NoError(t, err)
		return ReadJSON(r, &out)
	}
	wrong, err := read(`{"name":"x","count":"many"}`)
	require.NoError(t, err)
	require.Equal(t, []FieldError{{Field: "count", Detail: "must be a int, is a string"}}, wrong)
	require.Equal(t, "x", out.Name)
	for _, body := range []string{"", "[]", "1", "{", `{"name":"x"} more`} {
		_, err = read(body)
		p, isProblem := errors.AsType[*Problem](err)
		require.True(t, isProblem, body)
		require.Equal(t, http.StatusBadRequest, p.Status, body)
	}

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", io.NopCloser(failing{}))
	require.NoError(t, err)
	_, err = ReadJSON(r, &out)
	require.Equal(t, http.StatusBadRequest, ProblemOf(err).Status, "the sender broke off")
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason, header, want string
		err                  bool
	}{
		"None":    {reason: "most senders have none"},
		"Plain":   {reason: "as most senders write it", header: "delivery-1", want: "delivery-1"},
		"Quoted":  {reason: "as the IETF's draft writes it", header: `"delivery-1"`, want: "delivery-1"},
		"TooLong": {reason: "it becomes part of an object", header: strings.Repeat("x", 101), err: true},
		"Space":   {reason: "it is one word", header: "a b", err: true},
		"Unicode": {reason: "headers are ASCII", header: "ключ", err: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{Header: http.Header{}}
			r.Header.Set("Idempotency-Key", tc.header)
			key, err := IdempotencyKey(r)
			require.Equal(t, tc.err, err != nil, tc.reason)
			require.Equal(t, tc.want, key, tc.reason)
		})
	}
}
