// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package alertmanager

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"

	"kite.dev/kite/pkg/gateway"
)

// notification is the body of a webhook; fields that are not used are left out.
type notification struct {
	Version     string `json:"version"`
	ExternalURL string `json:"externalURL"`
	Alerts      alerts `json:"alerts"`
}

// maxAlerts bounds the alerts of one notification.
const maxAlerts = 1000

type alerts []alert

// UnmarshalJSON implements json.Unmarshaler.
func (l *alerts) UnmarshalJSON(data []byte) error {
	if gateway.HasMore(data, maxAlerts) {
		return &gateway.Problem{
			Status: http.StatusRequestEntityTooLarge,
			Detail: fmt.Sprintf("more than %d alerts: set max_alerts, or group by more labels", maxAlerts),
		}
	}
	return json.Unmarshal(data, (*[]alert)(l))
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

// namespace is the one that an alert belongs to, or "". Where Prometheus keeps labels of what
// it scrapes apart, exported_namespace is what an exporter says. Any program in the cluster can
// say so: only those of monitoring are believed.
func (l labels) namespace(monitoring sets.Set[string]) string {
	own, exported := l["namespace"], l.exported("namespace")
	if exported != "" && (own == "" || monitoring.Has(own)) {
		return exported
	}
	return own
}

// of is the alerting resource's value of a label: the plain one is the exporter's own, where
// there are both.
func (l labels) of(name string) string { return cmp.Or(l.exported(name), l[name]) }

// pod is the alerting one in a namespace, or "". Every target has the plain label: that of an
// exporter that speaks of another namespace is not meant.
func (l labels) pod(namespace string) string {
	if l.exported("namespace") == namespace {
		return l.exported("pod")
	}
	return l.of("pod")
}

func (l labels) exported(name string) string { return l["exported_"+name] }

// digest stands for a fingerprint where there is none.
func (l labels) digest() string {
	parts := make([]string, 0, 2*len(l))
	for _, name := range slices.Sorted(maps.Keys(l)) {
		parts = append(parts, name, l[name])
	}
	return gateway.Digest(parts...)
}
