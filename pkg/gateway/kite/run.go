// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package kite

import (
	"crypto/sha256"
	"encoding/hex"

	"k8s.io/apimachinery/pkg/types"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// maxIdentity is how long the API lets a run's UID be.
const maxIdentity = 128

// runOf is the run that was observed. Its identity makes the observation distinct.
func runOf(kind, name, identity string) *issuesv1alpha1.IssueRun {
	if len(name) > maxName {
		name = hash(name)
	}
	if len(identity) > maxIdentity {
		identity = hash(identity)
	}
	return &issuesv1alpha1.IssueRun{Kind: kind, Name: name, UID: types.UID(identity)}
}

// deliveryOf stands for a run where the sender names the observation, and no run.
func deliveryOf(key string) *issuesv1alpha1.IssueRun {
	if key == "" {
		return nil
	}
	return runOf("Delivery", key, key)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
