// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// everywhere is the namespace of a grant for all namespaces.
const everywhere = ""

// grants say which users and groups may list the issues of which namespaces. Everybody
// may read visibleissues, and only the server's own client may do anything else.
type grants struct {
	mu sync.Mutex
	of map[string]map[string]bool
	// fails makes all answers about issues errors.
	fails bool
}

// newGrants grants nothing.
func newGrants() *grants { return &grants{of: map[string]map[string]bool{}} }

// give lets a user or a group list issues.
func (g *grants) give(subject string, namespaces ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.of[subject] == nil {
		g.of[subject] = map[string]bool{}
	}
	for _, namespace := range namespaces {
		g.of[subject][namespace] = true
	}
}

// take is the reverse of give, but leaves the namespace a candidate when keep is set.
func (g *grants) take(subject, namespace string, keep bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.of[subject], namespace)
	if keep {
		g.of[subject][namespace] = false
	}
}

// fail makes the host cluster silent about rights, or lets it speak again.
func (g *grants) fail(fails bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fails = fails
}

// Candidates implements visibleissue.Candidates.
func (g *grants) Candidates(u user.Info) ([]string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	found := map[string]bool{}
	for _, subject := range append(u.GetGroups(), u.GetName()) {
		maps.Copy(found, g.of[subject])
	}
	delete(found, everywhere)
	return slices.Collect(maps.Keys(found)), nil
}

// authorize is an authorizer.AuthorizerFunc.
func (g *grants) authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	if a.GetUser().GetName() == user.APIServerUser || a.GetResource() == "visibleissues" && a.IsReadOnly() {
		return authorizer.DecisionAllow, "", nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if a.GetResource() != "issues" || a.GetVerb() != "list" || a.GetSubresource() != "" {
		return authorizer.DecisionNoOpinion, "", nil
	}
	if g.fails {
		return authorizer.DecisionNoOpinion, "", errors.New("connection to https://host refused")
	}
	for _, subject := range append(a.GetUser().GetGroups(), a.GetUser().GetName()) {
		if g.of[subject][everywhere] || g.of[subject][a.GetNamespace()] {
			return authorizer.DecisionAllow, "", nil
		}
	}
	return authorizer.DecisionNoOpinion, "", nil
}

// withGrants starts a server for which the grants decide.
func withGrants(g *grants) Option {
	return func(s *settings) {
		s.authorizer, s.candidates = authorizer.AuthorizerFunc(g.authorize), g
	}
}
