// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
)

// statusClientGone is for log and metrics: the sender got no answer.
const statusClientGone = 499

// Configuration is what the file says, with its defaults.
type Configuration = configv1alpha1.GatewayConfiguration

// intake works on requests, within the limits.
type intake struct {
	config   *Configuration
	limiter  *limiter
	shares   *shares
	inFlight chan struct{}
	clock    clock.PassiveClock
}

// NewHandler serves the sources. All other paths are not found.
func NewHandler(config *Configuration, clock clock.PassiveClock, sources ...Source) http.Handler {
	in := &intake{
		config:   config,
		limiter:  newLimiter(&config.Limits, clock),
		shares:   newShares(int(*config.Limits.Senders), clock),
		inFlight: make(chan struct{}, *config.Limits.InFlight),
		clock:    clock,
	}
	mux := http.NewServeMux()
	for i := range sources {
		handler := in.handler(&sources[i])
		mux.Handle(sources[i].Pattern, handler)
		mux.Handle(sources[i].Pattern+"/{$}", handler)
	}
	mux.Handle("/", in.handler(&Source{Name: "none", Unbounded: true, Admit: notFound}))
	return mux
}

func notFound(*http.Request) (string, Handler, error) {
	return "", nil, &Problem{Status: http.StatusNotFound, Detail: "there is nothing at this path"}
}

// handler answers, counts and logs.
func (in *intake) handler(source *Source) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, out, rec := in.clock.Now(), &answer{ResponseWriter: w}, &record{}
		ctx, cancel := context.WithTimeout(r.Context(), in.config.Timeouts.Read.Duration+in.config.Timeouts.Report.Duration)
		defer cancel()
		ctx = WithToken(context.WithValue(ctx, recordKey{}, rec), bearerToken(r))
		err := in.serve(source, out, r.WithContext(ctx))
		if rec.accepted.Load() {
			in.shares.accepted(bearerToken(r))
		}
		if err != nil && out.status == 0 {
			_ = ProblemOf(err).write(out) // who is gone needs no answer
		}
		if err != nil && r.Context().Err() != nil {
			out.status = statusClientGone
		}
		in.account(r, source, out, rec, in.clock.Since(start), err)
	})
}

// serve returns panics as errors, so that they are counted and logged as all others.
func (in *intake) serve(source *Source, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = fmt.Errorf("panic: %v\n%s", recovered, debug.Stack())
		}
	}()
	if r.Method != source.method() && source.Name != "none" {
		w.Header().Set("Allow", source.method())
		return &Problem{Status: http.StatusMethodNotAllowed, Detail: "use " + source.method()}
	}
	answer, err := in.admit(source, w, r)
	if err != nil {
		return err
	}
	leave, err := in.begin(source, r)
	if err != nil {
		return err
	}
	defer leave()
	return answer(w, r)
}

// begin takes a place of the sender's share, and then one of all places.
func (in *intake) begin(source *Source, r *http.Request) (leave func(), err error) {
	if source.Unbounded {
		return func() {}, nil
	}
	if source.Admit != nil {
		return in.leave, in.enter()
	}
	token, _ := tokenOf(r.Context())
	share := in.shares.of(token)
	if err := share.enter(r.Context()); err != nil {
		return nil, err
	}
	if err := in.enter(); err != nil {
		share.leave()
		return nil, err
	}
	return func() { in.leave(); share.leave() }, nil
}

// admit finds out who sends, whether that one sends too much, and what answers. It takes
// nobody's place: how fast a request comes in is up to its sender.
func (in *intake) admit(source *Source, w http.ResponseWriter, r *http.Request) (Handler, error) {
	if source.Admit == nil {
		token, _ := tokenOf(r.Context())
		if token == "" {
			return nil, unauthorized()
		}
		if err := in.checkRate(source, "token", token); err != nil {
			return nil, err
		}
	}
	if !source.Unbounded {
		if err := in.receive(w, r); err != nil {
			return nil, err
		}
	}
	if source.Admit == nil {
		return source.Handler, nil
	}
	sender, answer, err := source.Admit(r)
	if err != nil || sender == "" {
		return answer, err
	}
	return answer, in.checkRate(source, source.Name, sender)
}

func (in *intake) checkRate(source *Source, kind, sender string) error {
	pause := in.limiter.take(keyOf(kind, sender))
	if pause == 0 {
		return nil
	}
	return &Problem{
		Status: source.busyStatus(), RetryAfter: pause,
		Detail: fmt.Sprintf("more than %d requests a second", *in.config.Limits.SenderQPS),
	}
}

// receive reads a request.
func (in *intake) receive(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, int64(*in.config.Limits.BodyBytes))
	body, err := ReadBody(r)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err
}

func (in *intake) enter() error {
	select {
	case in.inFlight <- struct{}{}:
		requestsInFlight.Inc()
		return nil
	default:
		return &Problem{Status: http.StatusServiceUnavailable, RetryAfter: time.Second, Detail: "too many requests are in flight"}
	}
}

func (in *intake) leave() {
	requestsInFlight.Dec()
	<-in.inFlight
}

// account never logs headers, queries or bodies: they hold secrets.
func (in *intake) account(r *http.Request, source *Source, out *answer, rec *record, took time.Duration, err error) {
	requestsTotal.WithLabelValues(source.Name, strconv.Itoa(out.status)).Inc()
	requestSeconds.WithLabelValues(source.Name).Observe(took.Seconds())
	logger := klog.FromContext(r.Context()).WithValues(
		"source", source.Name, "method", r.Method, "path", loggedPath(r), "namespace", rec.namespace,
		"sender", rec.account(bearerToken(r)), "status", out.status, "duration", took, "bytes", out.bytes)
	if err != nil && out.status >= http.StatusInternalServerError {
		logger.Error(err, "Request failed")
		return
	}
	logger.Info("Request")
}
