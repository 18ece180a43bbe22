// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"sync"
	"time"
)

const (
	// hotBytes bounds the images that the feed's events hold, by an estimate.
	hotBytes = 32 << 20
	// imageFactor is how many bytes of memory an object takes for each stored byte,
	// its stored form included.
	imageFactor = 4
)

// hotImages are the images that events hold, oldest first. What is too old, or over
// hotBytes, is taken from its event; watches that have it keep it until they have sent
// it.
type hotImages struct {
	mu    sync.Mutex
	queue []hotImage
	bytes int
}

type hotImage struct {
	of    *lazyImage
	image *image
}

// add counts an image that an event has got, made of so many stored bytes.
func (h *hotImages) add(of *lazyImage, i *image, stored int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queue = append(h.queue, hotImage{of: of, image: i})
	i.bytes = imageFactor * max(stored, 1)
	h.bytes += i.bytes
	h.shrink(i.made)
}

// grow counts an encoding of an image.
func (h *hotImages) grow(i *image, bytes int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i.bytes == 0 {
		return // no event has it any more
	}
	i.bytes += bytes
	h.bytes += bytes
	h.shrink(i.made)
}

func (h *hotImages) shrink(now time.Time) {
	drop := 0
	for h.bytes > hotBytes || (drop < len(h.queue) && h.queue[drop].image.isOld(now)) {
		oldest := h.queue[drop]
		oldest.of.image.CompareAndSwap(oldest.image, nil)
		h.bytes -= oldest.image.bytes
		oldest.image.bytes = 0
		drop++
	}
	clear(h.queue[:drop])
	h.queue = h.queue[drop:] // append moves what is left when it needs room
}
