// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"bytes"
	"context"
	"io"
)

// maxEvent bounds an event, in bytes.
const maxEvent = 1 << 20

func isFirst([]byte) bool { return true }

func isBookmark(event []byte) bool { return bytes.HasPrefix(event, []byte(`{"type":"BOOKMARK"`)) }

// watchUntil starts a watch of a namespace that begins with what there is, and ends it at
// the first event that is wanted.
func watchUntil(wanted func(event []byte) bool) func(context.Context, *spot) (ask, error) {
	return func(_ context.Context, s *spot) (ask, error) {
		request := s.client.Get().AbsPath("/apis/issues.kite.dev/v1alpha1/"+s.issues()).
			Param("watch", "true").Param("sendInitialEvents", "true").Param("allowWatchBookmarks", "true").
			Param("resourceVersionMatch", "NotOlderThan")
		return func(ctx context.Context) ([]byte, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			events, err := request.Stream(ctx)
			if err != nil {
				return nil, err
			}
			defer func() { _ = events.Close() }()
			return firstEvent(events, wanted)
		}, nil
	}
}

func firstEvent(events io.Reader, wanted func(event []byte) bool) ([]byte, error) {
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		if wanted(lines.Bytes()) {
			return bytes.Clone(lines.Bytes()), nil
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return nil, io.ErrUnexpectedEOF
}
