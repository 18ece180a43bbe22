// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"time"

	"kite.dev/kite/pkg/apis/issues"
)

const (
	// maxCounted is the number of observations that an issue remembers.
	maxCounted = 512

	secondsSize     = 4
	digestSize      = 6
	fingerprintSize = secondsSize + digestSize
)

// A fingerprint stands for one observation: 4 bytes of Unix time in seconds and 6
// bytes of hash. 512 of them are 5 KiB, and the chance that a new one is
// taken for one of them is 512/2^48, one in 550 thousand million.
type fingerprint [fingerprintSize]byte

// fingerprintOf identifies a failure by its run, else by reporter and time.
func fingerprintOf(spec *issues.IssueReportSpec, reporter string, at time.Time) fingerprint {
	digest := hashOf("at", reporter, strconv.FormatInt(at.UnixMicro(), 10))
	if spec.Run != nil && spec.Run.UID != "" {
		digest = hashOf("run", string(spec.Run.UID))
	}
	return newFingerprint(at, digest)
}

func newFingerprint(at time.Time, digest []byte) fingerprint {
	seconds := min(max(at.Unix(), 0), math.MaxUint32)

	var out fingerprint
	binary.BigEndian.PutUint32(out[:secondsSize], uint32(seconds))
	copy(out[secondsSize:], digest)
	return out
}

// countRecovery remembers the recovery by a run. It returns false when that was counted
// before: repeated without a time of its own it would undo what failed since. Others are
// known by their time alone.
func countRecovery(counted []byte, spec *issues.IssueReportSpec, at time.Time) ([]byte, bool) {
	uid := runUID(spec)
	if uid == "" {
		return counted, true
	}
	return count(counted, newFingerprint(at, hashOf("recovered", string(uid))))
}

// count adds an observation to the list of those counted, which is sorted from old to
// new. It returns false when it was counted before, or is older than
// all of a full list, so that nobody can tell.
func count(counted []byte, observed fingerprint) ([]byte, bool) {
	n := len(counted) / fingerprintSize
	at := n
	for i := range n {
		entry := counted[i*fingerprintSize : (i+1)*fingerprintSize]
		if bytes.Equal(entry[secondsSize:], observed[secondsSize:]) {
			return counted, false
		}
		if at == n && bytes.Compare(entry, observed[:]) > 0 {
			at = i
		}
	}
	if n >= maxCounted && at == 0 {
		return counted, false
	}
	out := slices.Insert(bytes.Clone(counted), at*fingerprintSize, observed[:]...)
	if n >= maxCounted {
		out = out[fingerprintSize:]
	}
	return out, true
}
