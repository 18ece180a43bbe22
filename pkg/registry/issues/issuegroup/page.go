// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kite.dev/kite/pkg/apis/issues"
)

// maxGroups is how many groups one answer may have. Whoever asks for all without
// chunks is told to use them beyond.
const maxGroups = 10_000

// token is where a chunked list goes on: at the same revision, after a key.
type token struct {
	Revision string `json:"rv"`
	After    string `json:"after"`
}

func (t token) encode() (string, error) {
	data, err := json.Marshal(t)
	if err != nil {
		return "", apierrors.NewInternalError(err)
	}
	return base64.RawURLEncoding.EncodeToString(data), nil
}

// decodeToken takes an empty text for the beginning.
func decodeToken(text string) (token, error) {
	var out token
	if text == "" {
		return out, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil || out.Revision == "" || out.After == "" {
		return token{}, apierrors.NewBadRequest("invalid continue token")
	}
	return out, nil
}

// page adds up the groups with the smallest keys after a given one, at most limit. A
// group that falls out when a smaller one comes never comes back, because the page only
// gets smaller keys from then on; so those that stay have got all of their members.
type page struct {
	after string
	limit int
	// groups are in the order of their keys.
	groups []*summary
	// more says that there are groups with greater keys.
	more bool
}

func (p *page) add(issue *issues.Issue) {
	key := issue.Spec.GroupKey
	if key <= p.after {
		return
	}
	i, found := slices.BinarySearchFunc(p.groups, key, func(s *summary, key string) int { return strings.Compare(s.key, key) })
	if !found && i == p.limit {
		p.more = true
		return
	}
	if !found {
		p.groups = slices.Insert(p.groups, i, newSummary(key, "", nil))
	}
	p.groups[i].add(issue)
	if len(p.groups) > p.limit {
		p.groups, p.more = p.groups[:p.limit], true
	}
}
