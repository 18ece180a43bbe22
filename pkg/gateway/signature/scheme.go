// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// DefaultTolerance is how far a timestamp may be from the clock, where nothing else is said.
const DefaultTolerance = 5 * time.Minute

// Encoding says how a signature is written.
type Encoding string

const (
	// Hex writes each byte as two digits.
	Hex Encoding = "Hex"
	// Base64 is that of RFC 4648, with padding.
	Base64 Encoding = "Base64"
)

// The places of timestamp and body in what is signed.
const (
	PlaceOfTimestamp = "{timestamp}"
	PlaceOfBody      = "{body}"
)

// HMAC says where a sender puts its signature, an HMAC-SHA256, and what it signs.
type HMAC struct {
	// Header carries the signature.
	Header string
	// Prefix stands before the signature. Optional.
	Prefix string
	// Encoding of the signature. Defaults to Hex.
	Encoding Encoding
	// TimestampHeader carries when the delivery was signed, in seconds since 1970.
	// Optional: without it a delivery can be repeated by others.
	TimestampHeader string
	// SignedContent is what is signed. Defaults to {timestamp}.{body} with a
	// TimestampHeader, and otherwise to {body}.
	SignedContent string
	// Tolerance is how far the timestamp may be from the clock. Defaults to
	// DefaultTolerance.
	Tolerance time.Duration
}

// Scheme is how a sender shows that it knows a secret.
type Scheme struct {
	hmac  HMAC
	plain string // the header that carries the secret itself; then there is no HMAC
}

// Github is the scheme of GitHub, Gitea and Forgejo.
func Github() Scheme { return NewHMAC(HMAC{Header: "X-Hub-Signature-256", Prefix: "sha256="}) }

// Gitlab is the scheme of GitLab.
func Gitlab() Scheme { return Scheme{plain: "X-Gitlab-Token"} }

// NewHMAC returns a scheme of signatures.
func NewHMAC(h HMAC) Scheme {
	if h.Encoding == "" {
		h.Encoding = Hex
	}
	if h.SignedContent == "" {
		h.SignedContent = PlaceOfBody
		if h.TimestampHeader != "" {
			h.SignedContent = PlaceOfTimestamp + "." + PlaceOfBody
		}
	}
	if h.Tolerance <= 0 {
		h.Tolerance = DefaultTolerance
	}
	return Scheme{hmac: h}
}

// Reasons why a delivery is not its sender's.
var (
	// ErrMissing says that a header is not there, or twice.
	ErrMissing = errors.New("is needed exactly once")
	// ErrMalformed says that a header is not written as it must be.
	ErrMalformed = errors.New("is malformed")
	// ErrWrong says that the sender does not know any of the secrets.
	ErrWrong = errors.New("is wrong")
	// ErrTime says that a timestamp is too far from the clock.
	ErrTime = errors.New("is too far from the gateway's clock")
)

// Error is why a header was refused.
type Error struct {
	Header string
	Err    error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("header %s %s", e.Header, e.Err) }

// Unwrap gives one of the reasons.
func (e *Error) Unwrap() error { return e.Err }

// Verify returns an *Error unless the delivery was made with one of the secrets. Empty
// secrets are nobody's.
func (s Scheme) Verify(header http.Header, body []byte, secrets [][]byte, now time.Time) error {
	if s.plain != "" {
		return s.verifyToken(header, secrets)
	}
	signature, err := s.signature(header)
	if err != nil {
		return err
	}
	timestamp, err := s.timestamp(header, now)
	if err != nil {
		return err
	}
	signed := s.signed(timestamp, body)
	return s.any(s.hmac.Header, secrets, func(secret []byte) int {
		mac := hmac.New(sha256.New, secret)
		for _, part := range signed {
			mac.Write(part)
		}
		return subtle.ConstantTimeCompare(mac.Sum(nil), signature)
	})
}

// verifyToken compares hashes: they have one length, whatever the secrets have.
func (s Scheme) verifyToken(header http.Header, secrets [][]byte) error {
	token, err := one(header, s.plain)
	if err != nil {
		return err
	}
	got := sha256.Sum256([]byte(token))
	return s.any(s.plain, secrets, func(secret []byte) int {
		want := sha256.Sum256(secret)
		return subtle.ConstantTimeCompare(got[:], want[:])
	})
}

// any asks of every secret, so that time does not tell which one it was.
func (Scheme) any(header string, secrets [][]byte, fits func(secret []byte) int) error {
	found := 0
	for _, secret := range secrets {
		if len(secret) > 0 {
			found |= fits(secret)
		}
	}
	if found != 1 {
		return &Error{header, ErrWrong}
	}
	return nil
}

func (s Scheme) signature(header http.Header) ([]byte, error) {
	text, err := one(header, s.hmac.Header)
	if err != nil {
		return nil, err
	}
	text, found := strings.CutPrefix(text, s.hmac.Prefix)
	if !found {
		return nil, &Error{s.hmac.Header, ErrMalformed}
	}
	var signature []byte
	if s.hmac.Encoding == Base64 {
		signature, err = base64.StdEncoding.Strict().DecodeString(text)
	} else {
		signature, err = hex.DecodeString(text)
	}
	if err != nil || len(signature) != sha256.Size {
		return nil, &Error{s.hmac.Header, ErrMalformed}
	}
	return signature, nil
}

// timestamp is empty where the scheme has none.
func (s Scheme) timestamp(header http.Header, now time.Time) (string, error) {
	if s.hmac.TimestampHeader == "" {
		return "", nil
	}
	text, err := one(header, s.hmac.TimestampHeader)
	if err != nil {
		return "", err
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return "", &Error{s.hmac.TimestampHeader, fmt.Errorf("%w: must be seconds since 1970, such as %d", ErrMalformed, now.Unix())}
	}
	if away := now.Unix() - seconds; away > s.seconds() || away < -s.seconds() {
		return "", &Error{s.hmac.TimestampHeader, fmt.Errorf("%w: more than %s from %d", ErrTime, s.hmac.Tolerance, now.Unix())}
	}
	return text, nil
}

func (s Scheme) seconds() int64 { return int64(s.hmac.Tolerance / time.Second) }

// signed are the parts of what is signed. The body is never copied.
func (s Scheme) signed(timestamp string, body []byte) [][]byte {
	before, after, _ := strings.Cut(s.hmac.SignedContent, PlaceOfBody)
	fill := func(text string) []byte { return []byte(strings.ReplaceAll(text, PlaceOfTimestamp, timestamp)) }
	return [][]byte{fill(before), body, fill(after)}
}

func one(header http.Header, name string) (string, error) {
	values := header.Values(name)
	if len(values) != 1 || values[0] == "" {
		return "", &Error{name, ErrMissing}
	}
	return values[0], nil
}
