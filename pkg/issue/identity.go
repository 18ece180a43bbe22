// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"kite.dev/kite/pkg/apis/issues"
)

// nameDigits are the lengths of the hash in derived names, in the order in which
// they are tried: a longer one is used when the shorter name is taken by an
// issue of another identity.
var nameDigits = [...]int{8, 12, 16}

// Identity tells problems apart. Two observations with the same identity are
// about the same problem.
type Identity struct {
	Namespace      string
	Type           string
	ScopeGroup     string
	ScopeKind      string
	ScopeNamespace string
	ScopeName      string
	Stage          issues.IssueStage
	Key            string
}

// IdentityOf returns the identity of a problem in a namespace. An empty scope
// namespace means the issue's own.
func IdentityOf(namespace string, spec *issues.IssueSpec) Identity {
	scopeNamespace := spec.Scope.Namespace
	if scopeNamespace == "" {
		scopeNamespace = namespace
	}
	return Identity{
		Namespace:      namespace,
		Type:           spec.Type,
		ScopeGroup:     spec.Scope.APIGroup,
		ScopeKind:      spec.Scope.Kind,
		ScopeNamespace: scopeNamespace,
		ScopeName:      spec.Scope.Name,
		Stage:          spec.Stage,
		Key:            spec.Key,
	}
}

// IdentityOfReport returns the identity that a report speaks of.
func IdentityOfReport(report *issues.IssueReport) Identity {
	spec := issues.IssueSpec(report.Spec.Issue)
	return IdentityOf(report.Namespace, &spec)
}

// Claim returns the string that only one object at a time may hold: the hash of
// an Active issue's identity, "" for a Resolved one.
func Claim(issue *issues.Issue) string {
	if issue.Status.State != issues.StateActive {
		return ""
	}
	return IdentityOf(issue.Namespace, &issue.Spec).Hash()
}

// Hash returns the SHA-256 of the identity as 64 hexadecimal digits. It is part
// of names and claims in the database: it never changes.
func (i Identity) Hash() string {
	parts := [...]string{
		i.Namespace, i.Type,
		i.ScopeGroup, i.ScopeKind, i.ScopeNamespace, i.ScopeName,
		string(i.Stage), i.Key,
	}
	return hex.EncodeToString(hashOf(parts[:]...))
}

// Names returns the names that a reported issue may have, in the order in which
// they are tried: <type>-<kind>-<name>-<hash> with 8, 12 and 16 digits. Each is
// a DNS label whatever the identity holds.
func (i Identity) Names() []string {
	hash := i.Hash()
	stem := label(i.Type + "-" + i.ScopeKind + "-" + i.ScopeName)
	names := make([]string, 0, len(nameDigits))
	for _, digits := range nameDigits {
		names = append(names, join(stem, hash[:digits]))
	}
	return names
}

// join shortens the stem so that both parts fit a DNS label.
func join(stem, hash string) string {
	room := validation.DNS1123LabelMaxLength - len(hash) - 1
	if len(stem) > room {
		stem = stem[:room]
	}
	stem = strings.TrimRight(stem, "-")
	if stem == "" {
		return hash
	}
	return stem + "-" + hash
}

// label keeps ASCII letters, made lower-case, and digits, and replaces every run
// of other bytes by one dash. The result does not begin with a dash.
func label(text string) string {
	var out strings.Builder
	dash := false
	for _, c := range []byte(text) {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			dash = true
			continue
		}
		if dash && out.Len() > 0 {
			out.WriteByte('-')
		}
		dash = false
		out.WriteByte(c)
	}
	return out.String()
}

// hashOf hashes a tuple. Each part is preceded by its length, so that no two
// tuples are written alike.
func hashOf(parts ...string) []byte {
	hash := sha256.New()
	var length [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		hash.Write(length[:])
		hash.Write([]byte(part))
	}
	return hash.Sum(nil)
}
