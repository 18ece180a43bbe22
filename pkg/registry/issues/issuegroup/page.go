// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kite.dev/kite/pkg/apis/issues"
)

// maxGroups is how many groups one answer may have. Whoever asks for all without
// chunks is told to use them beyond.
const maxGroups = 10_000

// token is where a chunked list goes on: after a key, at the same revision, or at the
// newest where none is given.
type token struct {
	Revision string `json:"rv,omitempty"`
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
	if err != nil || !out.valid() {
		return token{}, apierrors.NewBadRequest("invalid continue token")
	}
	return out, nil
}

// valid refuses what no list answers: clients can make tokens up.
func (t token) valid() bool {
	if t.Revision == "" {
		return t.After != ""
	}
	revision, err := strconv.ParseInt(t.Revision, 10, 64)
	return err == nil && revision > 0 && t.After != ""
}

// expired answers a token whose revision is no longer kept, with one by which the list
// can go on at the newest.
func (t token) expired() error {
	next, err := token{After: t.After}.encode()
	if err != nil {
		return err
	}
	out := apierrors.NewResourceExpired("the provided continue parameter is too old: begin anew, or go on at the newest " +
		"revision with the token of this answer; groups may have changed between the two")
	out.ErrStatus.ListMeta.Continue = next
	return out
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
