// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	clocktesting "k8s.io/utils/clock/testing"
)

// blocking is a source of which the API accepts requests of the known, and where others last
// until leave is closed.
func blocking(leave chan struct{}) Source {
	return testSource(func(w http.ResponseWriter, r *http.Request) error {
		if r.Header.Get("X-Known") != "" {
			recordOf(r.Context()).accepted.Store(true)
			return ok(w, r)
		}
		<-leave
		return ok(w, r)
	})
}

// TestStrangersShare: with made-up tokens nobody gets more than one sender's share, and who
// is known keeps his own.
func TestStrangersShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leave, answers := make(chan struct{}), make(chan int, 2*shareOfSender)
		clock := clocktesting.NewFakePassiveClock(testTime)
		h := NewHandler(defaults(), clock, blocking(leave))
		known := func() int {
			return send(t, h, http.MethodPost, "/hook", "", withToken("known"), withHeader("X-Known", "yes")).Code
		}
		require.Equal(t, http.StatusOK, known())
		for i := range shareOfSender {
			go func() { answers <- send(t, h, http.MethodPost, "/hook", "", withToken(fmt.Sprint("made-up-", i))).Code }()
		}
		synctest.Wait()

		var late *httptest.ResponseRecorder
		go func() { late = send(t, h, http.MethodPost, "/hook", "", withToken("another")) }()
		synctest.Wait()
		require.Nil(t, late, "it waits")
		require.Equal(t, http.StatusOK, known())
		clock.SetTime(testTime.Add(knownFor))
		go func() { answers <- known() }()
		synctest.Wait()
		require.Empty(t, answers, "known long ago is a stranger")

		close(leave)
		synctest.Wait()
		require.Equal(t, http.StatusOK, late.Code)
		require.Len(t, answers, shareOfSender+1)
	})
}

func TestShareEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leave := make(chan struct{})
		h := NewHandler(defaults(), testClock(), blocking(leave))
		for range shareOfSender {
			go send(t, h, http.MethodPost, "/hook", "")
		}
		synctest.Wait()
		w := send(t, h, http.MethodPost, "/hook", "")
		require.Equal(t, http.StatusServiceUnavailable, w.Code, "nobody waits for ever")
		require.Equal(t, "1", w.Header().Get("Retry-After"))
		close(leave)
		synctest.Wait()
		require.Equal(t, http.StatusOK, send(t, h, http.MethodPost, "/hook", "").Code, "its places are free again")
	})
}
