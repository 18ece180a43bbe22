// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"fmt"
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
	inFlight chan struct{}
	clock    clock.PassiveClock
}

// NewHandler serves the sources. All other paths are not found.
func NewHandler(config *Configuration, clock clock.PassiveClock, sources ...Source) http.Handler {
	in := &intake{
		config:   config,
		limiter:  newLimiter(&config.Limits, clock),
		inFlight: make(chan struct{}, *config.Limits.InFlight),
		clock:    clock,
	}
	mux := http.NewServeMux()
	for i := range sources {
		handler := in.handler(&sources[i])
		mux.Handle(sources[i].Pattern, handler)
		mux.Handle(sources[i].Pattern+"/{$}", handler)
	}
	mux.Handle("/", in.handler(&Source{
		Name: "none", Unbounded: true, Sender: func(*http.Request) string { return "" }, Handler: notFound,
	}))
	return mux
}

func notFound(http.ResponseWriter, *http.Request) error {
	return &Problem{Status: http.StatusNotFound, Detail: "there is nothing at this path"}
}

// handler answers, counts and logs.
func (in *intake) handler(source *Source) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, out, rec := in.clock.Now(), &answer{ResponseWriter: w}, &record{}
		ctx, cancel := context.WithTimeout(r.Context(), in.config.Timeouts.Read.Duration+in.config.Timeouts.Report.Duration)
		defer cancel()
		err := in.serve(source, out, r.WithContext(context.WithValue(ctx, recordKey{}, rec)))
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
	if err := in.checkRate(source, r); err != nil {
		return err
	}
	if !source.Unbounded {
		if err := in.enter(); err != nil {
			return err
		}
		defer in.leave()
	}
	r.Body = http.MaxBytesReader(w, r.Body, int64(*in.config.Limits.BodyBytes))
	return source.Handler(w, r.WithContext(WithToken(r.Context(), bearerToken(r))))
}

// checkRate finds out who sends, and whether that one sends too much.
func (in *intake) checkRate(source *Source, r *http.Request) error {
	kind, sender := "token", bearerToken(r)
	if source.Sender != nil {
		kind, sender = source.Name, source.Sender(r)
	}
	if sender == "" && source.Sender == nil {
		return unauthorized()
	}
	if sender == "" {
		return nil
	}
	if pause := in.limiter.take(keyOf(kind, sender)); pause > 0 {
		return &Problem{
			Status: source.busyStatus(), RetryAfter: pause,
			Detail: fmt.Sprintf("more than %d requests a second", *in.config.Limits.SenderQPS),
		}
	}
	return nil
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
	if rec.sender == "" && out.status < http.StatusBadRequest {
		rec.sender = serviceAccountOf(bearerToken(r))
	}
	logger := klog.FromContext(r.Context()).WithValues(
		"source", source.Name, "method", r.Method, "path", loggedPath(r), "namespace", rec.namespace,
		"sender", rec.sender, "status", out.status, "duration", took, "bytes", out.bytes)
	if err != nil && out.status >= http.StatusInternalServerError {
		logger.Error(err, "Request failed")
		return
	}
	logger.Info("Request")
}
