// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import "regexp"

const redacted = "[redacted]"

// Names that stand before a credential, as a part of a longer name as well, and what may
// stand between: JSON inside a string of JSON has its quotes escaped.
const (
	secretName = `(?:passw(?:or)?d|passphrase|[_-]pass|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|client-key-data|credentials?|_auth|cookie)` //nolint:gosec // a pattern, no credential
	assigned   = `\\*["']?\s*[:=]\s*`
)

// secrets are what credentials look like, by their form or by what stands before them. The
// part in the first parentheses stays.
var secrets = []*regexp.Regexp{
	regexp.MustCompile(`(?s)()-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)`),
	// The rest of a key that began before the text.
	regexp.MustCompile(`(?s)()\A.*-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----`),
	regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s:@"']*:[^/\s@"']+@`),
	regexp.MustCompile(`(?i)(https?://)[^/\s:@"'?#]+@`),
	regexp.MustCompile(`(?i)(authorization` + assigned + `\\*["']?(?:(?:bearer|basic|token)\s+)?)[^\s"',}\\]+`),
	regexp.MustCompile(`(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}`),
	// In quotes a credential may have spaces.
	regexp.MustCompile(`(?i)(` + secretName + assigned + `\\*["'])[^"'\n\\]{4,}`),
	regexp.MustCompile(`(?i)(` + secretName + assigned + `)[^\s"',}\\]{4,}`),
	regexp.MustCompile(`("auth\\*"\s*:\s*\\*")[A-Za-z0-9+/=]{4,}`),
	regexp.MustCompile(`(?i)(--(?:password|passwd|token|secret|creds|api-key|user)[= ]["']?)[^\s"']+`),
	regexp.MustCompile(`(\s-u\s+["']?)[^\s:"']+:[^\s"']+`),
	regexp.MustCompile(`(?i)([?&](?:x-amz-signature|x-goog-signature|sig|signature)=)[^\s&"']+`),
	regexp.MustCompile(`(https://hooks\.slack\.com/services/)[A-Za-z0-9/]+`),
	regexp.MustCompile(`()\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl[a-z]{2,6}-[A-Za-z0-9_-]{16,}|xox[abeprs]-[A-Za-z0-9-]{10,}|npm_[A-Za-z0-9]{30,}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{35}|ya29\.[A-Za-z0-9_-]{20,})`),
	regexp.MustCompile(`()\b(?:sha256~[A-Za-z0-9_-]{20,}|hv[sb]\.[A-Za-z0-9_-]{20,}|dckr_pat_[A-Za-z0-9_-]{20,}|pypi-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|AGE-SECRET-KEY-1[0-9A-Z]{20,})`),
	regexp.MustCompile(`()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?`),
}

// redact hides credentials. It cannot know all; whoever may read the issue may as a rule
// read the log as well.
func redact(text string) string {
	for _, secret := range secrets {
		text = secret.ReplaceAllString(text, "${1}"+redacted)
	}
	return text
}

// colours are what programs print for a terminal: nobody can read them in an issue, and
// in the middle of a word they hide it from rules and from redact.
var colours = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

func withoutColours(text string) string { return colours.ReplaceAllString(text, "") }
