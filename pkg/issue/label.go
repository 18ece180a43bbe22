// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"kite.dev/kite/pkg/apis/issues"
)

// LabelPrefix begins the labels that the server keeps. Nobody else may set one.
const LabelPrefix = issues.GroupName + "/"

const (
	labelHead   = 55
	labelDigits = 7
)

// Labels returns the labels that the server keeps on an issue. A field that is
// empty has no label, nor has one that validation will refuse: its error is about
// the field, not about a label that nobody wrote.
func Labels(issue *issues.Issue) map[string]string {
	out := map[string]string{}
	for _, field := range Fields() {
		if field.Label == "" {
			continue
		}
		value := LabelValue(field.Value(issue))
		if value != "" && len(validation.IsValidLabelValue(value)) == 0 {
			out[field.Label] = value
		}
	}
	return out
}

// LabelValue shortens a value that is too long for a label to its first 55
// characters, a dash and 7 digits of its hash.
func LabelValue(value string) string {
	if len(value) <= validation.LabelValueMaxLength {
		return value
	}
	hash := sha256.Sum256([]byte(value))
	return value[:labelHead] + "-" + hex.EncodeToString(hash[:])[:labelDigits]
}

// syncLabels sets the server's labels. A value that the client neither read nor
// computed right stays, so that validation can refuse the write: to replace it
// silently would make every GitOps tool fight with the server.
func syncLabels(issue, old *issues.Issue) {
	want := Labels(issue)
	for key, value := range issue.Labels {
		if !strings.HasPrefix(key, LabelPrefix) {
			continue
		}
		if old == nil || old.Labels[key] != value {
			continue
		}
		delete(issue.Labels, key)
	}
	for key, value := range want {
		if _, foreign := issue.Labels[key]; foreign {
			continue
		}
		if issue.Labels == nil {
			issue.Labels = map[string]string{}
		}
		issue.Labels[key] = value
	}
}
