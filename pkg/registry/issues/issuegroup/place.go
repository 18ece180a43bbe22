// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"cmp"
	"time"

	"kite.dev/kite/pkg/apis/issues"
	rules "kite.dev/kite/pkg/issue"
)

// place orders the members of a group: Active ones first, then the worst, then the
// oldest. The first one leads the group. The order is total.
type place struct {
	resolved        bool
	rank            int32
	firstSeen       time.Time
	namespace, name string
}

func placeOf(issue *issues.Issue) place {
	p := place{
		resolved:  issue.Status.State != issues.StateActive,
		rank:      rules.SeverityRank(issue.Spec.Severity),
		namespace: issue.Namespace,
		name:      issue.Name,
	}
	if issue.Status.FirstSeen != nil {
		p.firstSeen = issue.Status.FirstSeen.Time
	}
	return p
}

func (p place) compare(other place) int {
	return cmp.Or(
		compareBool(p.resolved, other.resolved),
		cmp.Compare(other.rank, p.rank),
		p.firstSeen.Compare(other.firstSeen),
		cmp.Compare(p.namespace, other.namespace),
		cmp.Compare(p.name, other.name),
	)
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}
