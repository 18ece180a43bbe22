// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package signature_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/gateway/signature"
)

// The example of https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries.
const (
	githubSecret    = "It's a Secret to Everybody"
	githubBody      = "Hello, World!"
	githubSignature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
)

// The example of https://docs.slack.dev/authentication/verifying-requests-from-slack.
const (
	slackSecret    = "8f742231b10e8888abcd99yyyzzz85a5"
	slackTimestamp = "1531420618"
	slackBody      = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	slackSignature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
)

var now = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func slack() signature.Scheme {
	return signature.NewHMAC(signature.HMAC{
		Header: "X-Slack-Signature", Prefix: "v0=",
		TimestampHeader: "X-Slack-Request-Timestamp", SignedContent: "v0:{timestamp}:{body}",
	})
}

// generic signs as nothing else is said.
func generic() signature.Scheme { return signature.NewHMAC(signature.HMAC{Header: "X-Signature"}) }

func stamped(encoding signature.Encoding) signature.Scheme {
	return signature.NewHMAC(signature.HMAC{
		Header: "X-Signature", Encoding: encoding, TimestampHeader: "X-Timestamp", Tolerance: time.Minute,
	})
}

func sum(secret, content string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(content))
	return mac.Sum(nil)
}

func TestVerify(t *testing.T) {
	t.Parallel()
	stamp := func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
	hexOf := func(secret, content string) string { return hex.EncodeToString(sum(secret, content)) }
	cases := map[string]struct {
		reason  string
		scheme  signature.Scheme
		headers map[string]string
		body    string
		secrets []string
		now     time.Time
		want    error
		header  string
	}{
		"Github": {
			reason: "GitHub's own example", scheme: signature.Github(),
			headers: map[string]string{"X-Hub-Signature-256": githubSignature}, body: githubBody, secrets: []string{githubSecret},
		},
		"GithubOtherBody": {
			reason: "what was changed on the way is refused", scheme: signature.Github(),
			headers: map[string]string{"X-Hub-Signature-256": githubSignature}, body: githubBody + " ", secrets: []string{githubSecret},
			want: signature.ErrWrong, header: "X-Hub-Signature-256",
		},
		"GithubOtherSecret": {
			reason: "who does not know the secret is refused", scheme: signature.Github(),
			headers: map[string]string{"X-Hub-Signature-256": githubSignature}, body: githubBody, secrets: []string{githubSecret + "!"},
			want: signature.ErrWrong, header: "X-Hub-Signature-256",
		},
		"GithubRotated": {
			reason: "the previous secret is as good", scheme: signature.Github(),
			headers: map[string]string{"X-Hub-Signature-256": githubSignature}, body: githubBody, secrets: []string{"new", githubSecret},
		},
		"GithubSHA1": {
			reason: "the older header proves nothing", scheme: signature.Github(),
			headers: map[string]string{"X-Hub-Signature": "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"}, body: githubBody, secrets: []string{githubSecret},
			want: signature.ErrMissing, header: "X-Hub-Signature-256",
		},
		"GithubNoPrefix": {
			reason: "another algorithm could be meant", scheme: signature.Github(),
			headers: map[string]string{"X-Hub-Signature-256": strings.TrimPrefix(githubSignature, "sha256=")}, body: githubBody, secrets: []string{githubSecret},
			want: signature.ErrMalformed, header: "X-Hub-Signature-256",
		},
		"GithubShort": {
			reason: "a part of a signature is none", scheme: signature.Github(),
			headers: map[string]string{"X-Hub-Signature-256": githubSignature[:20]}, body: githubBody, secrets: []string{githubSecret},
			want: signature.ErrMalformed, header: "X-Hub-Signature-256",
		},
		"NoSecrets": {
			reason: "nobody is trusted by default", scheme: signature.Github(),
			headers: map[string]string{"X-Hub-Signature-256": githubSignature}, body: githubBody,
			want: signature.ErrWrong, header: "X-Hub-Signature-256",
		},
		"EmptySecret": {
			reason: "everybody knows the empty secret", scheme: generic(),
			headers: map[string]string{"X-Signature": hexOf("", githubBody)}, body: githubBody, secrets: []string{""},
			want: signature.ErrWrong, header: "X-Signature",
		},
		"Gitlab": {
			reason: "the secret itself", scheme: signature.Gitlab(),
			headers: map[string]string{"X-Gitlab-Token": "s3cret"}, secrets: []string{"s3cret"},
		},
		"GitlabRotated": {
			reason: "the previous secret is as good", scheme: signature.Gitlab(),
			headers: map[string]string{"X-Gitlab-Token": "s3cret"}, secrets: []string{"new", "s3cret"},
		},
		"GitlabWrong": {
			reason: "a part of the secret is none", scheme: signature.Gitlab(),
			headers: map[string]string{"X-Gitlab-Token": "s3cre"}, secrets: []string{"s3cret"},
			want: signature.ErrWrong, header: "X-Gitlab-Token",
		},
		"GitlabEmpty": {
			reason: "everybody knows the empty secret", scheme: signature.Gitlab(),
			headers: map[string]string{"X-Gitlab-Token": ""}, secrets: []string{""},
			want: signature.ErrMissing, header: "X-Gitlab-Token",
		},
		"Slack": {
			reason: "Slack's own example", scheme: slack(), now: time.Unix(1531420618, 0),
			headers: map[string]string{"X-Slack-Signature": slackSignature, "X-Slack-Request-Timestamp": slackTimestamp},
			body:    slackBody, secrets: []string{slackSecret},
		},
		"SlackLater": {
			reason: "what was overheard is of no use for long", scheme: slack(), now: time.Unix(1531420618+301, 0),
			headers: map[string]string{"X-Slack-Signature": slackSignature, "X-Slack-Request-Timestamp": slackTimestamp},
			body:    slackBody, secrets: []string{slackSecret}, want: signature.ErrTime, header: "X-Slack-Request-Timestamp",
		},
		"SlackOtherTime": {
			reason: "the timestamp is signed", scheme: slack(), now: time.Unix(1531420618, 0),
			headers: map[string]string{"X-Slack-Signature": slackSignature, "X-Slack-Request-Timestamp": "1531420619"},
			body:    slackBody, secrets: []string{slackSecret}, want: signature.ErrWrong, header: "X-Slack-Signature",
		},
		"Base64": {
			reason: "the other way to write it", scheme: stamped(signature.Base64),
			headers: map[string]string{
				"X-Signature": base64.StdEncoding.EncodeToString(sum("s", stamp(now)+".body")), "X-Timestamp": stamp(now),
			},
			body: "body", secrets: []string{"s"},
		},
		"HexForBase64": {
			reason: "one way only", scheme: stamped(signature.Base64),
			headers: map[string]string{"X-Signature": hexOf("s", stamp(now)+".body"), "X-Timestamp": stamp(now)},
			body:    "body", secrets: []string{"s"}, want: signature.ErrMalformed, header: "X-Signature",
		},
		"Early": {
			reason: "a clock that is a minute ahead is good enough", scheme: stamped(signature.Hex),
			headers: map[string]string{
				"X-Signature": hexOf("s", stamp(now.Add(time.Minute))+".body"), "X-Timestamp": stamp(now.Add(time.Minute)),
			},
			body: "body", secrets: []string{"s"},
		},
		"TooEarly": {
			reason: "nobody signs for the future", scheme: stamped(signature.Hex),
			headers: map[string]string{
				"X-Signature": hexOf("s", stamp(now.Add(61*time.Second))+".body"), "X-Timestamp": stamp(now.Add(61 * time.Second)),
			},
			body: "body", secrets: []string{"s"}, want: signature.ErrTime, header: "X-Timestamp",
		},
		"NoTime": {
			reason: "a signature without its timestamp is half of one", scheme: stamped(signature.Hex),
			headers: map[string]string{"X-Signature": hexOf("s", ".body")},
			body:    "body", secrets: []string{"s"}, want: signature.ErrMissing, header: "X-Timestamp",
		},
		"TimeOfNoNumber": {
			reason: "seconds are a number", scheme: stamped(signature.Hex),
			headers: map[string]string{"X-Signature": hexOf("s", "noon.body"), "X-Timestamp": "noon"},
			body:    "body", secrets: []string{"s"}, want: signature.ErrMalformed, header: "X-Timestamp",
		},
		"TimeBeforeTime": {
			reason: "the difference of times does not overflow into a small one", scheme: stamped(signature.Hex),
			headers: map[string]string{"X-Signature": hexOf("s", "-9223372036854775808.body"), "X-Timestamp": "-9223372036854775808"},
			body:    "body", secrets: []string{"s"}, want: signature.ErrTime, header: "X-Timestamp",
		},
		"Generic": {
			reason: "the body alone, in hexadecimal digits", scheme: generic(),
			headers: map[string]string{"X-Signature": hexOf("s", "body")}, body: "body", secrets: []string{"s"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header, secrets := http.Header{}, [][]byte{}
			for name, value := range tc.headers {
				header.Set(name, value)
			}
			for _, secret := range tc.secrets {
				secrets = append(secrets, []byte(secret))
			}
			at := tc.now
			if at.IsZero() {
				at = now
			}
			err := tc.scheme.Verify(header, []byte(tc.body), secrets, at)
			if tc.want == nil {
				require.NoError(t, err, tc.reason)
				return
			}
			require.ErrorIs(t, err, tc.want, tc.reason)
			var refused *signature.Error
			require.ErrorAs(t, err, &refused, tc.reason)
			require.Equal(t, tc.header, refused.Header, tc.reason)
			for _, value := range append(tc.secrets, tc.headers[tc.header]) {
				if len(value) > 3 {
					require.NotContains(t, err.Error(), value, "errors are logged")
				}
			}
		})
	}
}

// TestTimestampIsExplained: who writes a script learns what a timestamp is.
func TestTimestampIsExplained(t *testing.T) {
	t.Parallel()
	seconds := strconv.FormatInt(now.Unix(), 10)
	for timestamp, want := range map[string]string{
		"noon": "header X-Timestamp is malformed: must be seconds since 1970, such as " + seconds,
		"7":    "header X-Timestamp is too far from the gateway's clock: more than 1m0s from " + seconds,
	} {
		header := http.Header{"X-Signature": {strings.Repeat("0", 64)}, "X-Timestamp": {timestamp}}
		require.EqualError(t, stamped(signature.Hex).Verify(header, []byte("body"), [][]byte{[]byte("s")}, now), want)
	}
}

// TestTwice: which of two signatures counts is not left to whoever is in between.
func TestTwice(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	header.Add("X-Hub-Signature-256", githubSignature)
	header.Add("X-Hub-Signature-256", githubSignature)
	err := signature.Github().Verify(header, []byte(githubBody), [][]byte{[]byte(githubSecret)}, now)
	require.ErrorIs(t, err, signature.ErrMissing)
}

// FuzzVerify: only the signature is a signature.
func FuzzVerify(f *testing.F) {
	f.Add(githubSignature, githubBody)
	f.Add("sha256=", "")
	f.Add("sha256=zz", "a")
	f.Fuzz(func(t *testing.T, text, body string) {
		header := http.Header{"X-Hub-Signature-256": {text}}
		err := signature.Github().Verify(header, []byte(body), [][]byte{[]byte(githubSecret)}, now)
		want := "sha256=" + hex.EncodeToString(sum(githubSecret, body))
		require.Equal(t, strings.EqualFold(want, text) && strings.HasPrefix(text, "sha256="), err == nil)
	})
}

// FuzzVerifyStamped: only the sum of what is to be signed is its signature, and for a minute
// only.
func FuzzVerifyStamped(f *testing.F) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	f.Add("", stamp, "v0:{timestamp}:", "", "body", true)
	f.Add("x", "+"+stamp, "", "{timestamp}{body}", "{timestamp}", false)
	f.Add("====", "-9223372036854775808", "{timestamp}", ".", "", true)
	f.Fuzz(func(t *testing.T, text, timestamp, before, after, body string, base bool) {
		content := before + signature.PlaceOfBody + after
		parts := strings.SplitN(strings.ReplaceAll(content, signature.PlaceOfTimestamp, timestamp), signature.PlaceOfBody, 2)
		right := sum("s", parts[0]+body+parts[1])
		encoding, want := signature.Hex, hex.EncodeToString(right)
		if base {
			encoding, want = signature.Base64, base64.StdEncoding.EncodeToString(right)
		}
		scheme := signature.NewHMAC(signature.HMAC{
			Header: "X-Signature", Encoding: encoding, TimestampHeader: "X-Timestamp", SignedContent: content, Tolerance: time.Minute,
		})
		verify := func(text string) error {
			header := http.Header{"X-Signature": {text}, "X-Timestamp": {timestamp}}
			return scheme.Verify(header, []byte(body), [][]byte{nil, []byte("other"), []byte("s")}, now)
		}
		seconds, err := strconv.ParseInt(timestamp, 10, 64)
		timely := err == nil && seconds >= now.Unix()-60 && seconds <= now.Unix()+60
		require.Equal(t, timely, verify(want) == nil)
		text = strings.NewReplacer("\r", "", "\n", "").Replace(text) // no header has them
		same := text == want || !base && strings.EqualFold(text, want)
		require.Equal(t, timely && same, verify(text) == nil)
	})
}

// FuzzVerifyToken: only the secret is the secret.
func FuzzVerifyToken(f *testing.F) {
	f.Add("s3cret", "s3cret")
	f.Add("", "")
	f.Add("s3cre", "s3cret")
	f.Fuzz(func(t *testing.T, token, secret string) {
		header := http.Header{"X-Gitlab-Token": {token}}
		err := signature.Gitlab().Verify(header, nil, [][]byte{[]byte(secret)}, now)
		require.Equal(t, token == secret && secret != "", err == nil)
	})
}
