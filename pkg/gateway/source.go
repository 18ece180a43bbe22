// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import "net/http"

// Handler answers a request, or returns an error before it has written anything. Errors of
// the API are passed on, a *Problem is sent as it is, and everything else means that the
// request cannot be answered at the moment.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Source understands what one kind of sender sends.
type Source struct {
	// Name is short and fixed: it is a label of metrics.
	Name string
	// Pattern is a path of http.ServeMux, with wildcards but without method. It matches
	// with a slash at its end, too.
	Pattern string
	// Method defaults to POST.
	Method string
	// Admit names whoever sends a request, for the bound on its rate, and says what answers
	// it. It is for sources that authenticate their senders by themselves, or answer anybody:
	// a name that is not proven would let strangers use up the rate of others. The rate of ""
	// is not bound. Without it a bearer token is required, and Handler answers.
	Admit func(r *http.Request) (sender string, answer Handler, err error)
	// BusyStatus answers a sender that sends too much. Defaults to 429; senders that repeat
	// nothing but what was answered with 5xx need 503.
	BusyStatus int
	// Unbounded sources are served however many requests are in flight. They read none.
	Unbounded bool

	// Ready says whether the source knows all that it needs. Until then requests are better
	// sent to another replica. Optional.
	Ready func() bool

	Handler Handler
}

func (s *Source) method() string {
	if s.Method == "" {
		return http.MethodPost
	}
	return s.Method
}

func (s *Source) busyStatus() int {
	if s.BusyStatus == 0 {
		return http.StatusTooManyRequests
	}
	return s.BusyStatus
}
