// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package alertmanager

import (
	"maps"
	"slices"
	"time"

	"kite.dev/kite/pkg/gateway"
)

// notification is the body of a webhook; fields that are not used are left out.
type notification struct {
	Version     string  `json:"version"`
	ExternalURL string  `json:"externalURL"`
	Alerts      []alert `json:"alerts"`
}

type alert struct {
	Status       string    `json:"status"`
	Labels       labels    `json:"labels"`
	Annotations  labels    `json:"annotations"`
	StartsAt     time.Time `json:"startsAt"`
	EndsAt       time.Time `json:"endsAt"`
	GeneratorURL string    `json:"generatorURL"`
	Fingerprint  string    `json:"fingerprint"`
}

type labels map[string]string

// of is the alerting resource's value of a label. Where Prometheus keeps labels of what it
// scrapes apart, that is the exported one: the plain one is the exporter's own.
func (l labels) of(name string) string {
	if exported := l["exported_"+name]; exported != "" {
		return exported
	}
	return l[name]
}

// ofTarget is the same for labels that every target has.
func (l labels) ofTarget(name string) string {
	if exported := l["exported_"+name]; exported != "" || l["exported_namespace"] != "" {
		return exported
	}
	return l[name]
}

// digest stands for a fingerprint where there is none.
func (l labels) digest() string {
	parts := make([]string, 0, 2*len(l))
	for _, name := range slices.Sorted(maps.Keys(l)) {
		parts = append(parts, name, l[name])
	}
	return gateway.Digest(parts...)
}
