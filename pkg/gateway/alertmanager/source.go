// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package alertmanager

import (
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/gateway/workload"
	"kite.dev/kite/pkg/report"
)

// Name of the source.
const Name = "alertmanager"

// Config is what the webhook works with.
type Config struct {
	// Reports acts as whoever sent the request of a context.
	Reports gateway.Reporter
	Clock   clock.PassiveClock
	// Settings are asked for at each request, since they can change.
	Settings func() Settings
}

// Settings are what an operator sets.
type Settings struct {
	Symptoms *workload.Table
	// Monitoring are the namespaces of exporters that may speak of others.
	Monitoring sets.Set[string]
}

// Source is the webhook.
func Source(config Config) gateway.Source {
	config.Reports = gateway.Counted(Name, config.Reports)
	return gateway.Source{
		Name: Name, Pattern: "/api/v1/webhooks/" + Name, Handler: config.serve,
		BusyStatus: http.StatusServiceUnavailable, // Alertmanager drops what is answered with 429
	}
}

func (c *Config) serve(w http.ResponseWriter, r *http.Request) error {
	in, err := read(r)
	if err != nil {
		return err
	}
	return gateway.Deliver(w, r, c.Reports, c.items(in))
}

// read refuses what is no notification.
func read(r *http.Request) (*notification, error) {
	in := &notification{}
	errs, err := gateway.ReadJSON(r, in)
	if err != nil {
		return nil, err
	}
	if in.Version != "4" {
		errs = append(errs, gateway.FieldError{Field: "version", Detail: `must be "4"`})
	}
	if len(errs) > 0 {
		return nil, &gateway.Problem{
			Status: http.StatusBadRequest, Detail: "the body is no notification of Alertmanager, version 4", Errors: errs,
		}
	}
	return in, nil
}

// items are the reports of a notification. A resolved alert says nothing while another one
// of the same problem fires, such as that of a workload's other pod.
func (c *Config) items(in *notification) []gateway.Item {
	settings, firing := c.Settings(), map[problem]bool{}
	problems := make([]problem, len(in.Alerts))
	for i := range in.Alerts {
		problems[i] = settings.problemOf(&in.Alerts[i])
		if in.Alerts[i].Status == "firing" {
			firing[problems[i]] = true
		}
	}
	items := make([]gateway.Item, 0, len(in.Alerts))
	for i := range in.Alerts {
		a, of := &in.Alerts[i], problems[i]
		item := gateway.Item{Field: fmt.Sprintf("alerts[%d]", i), Skipped: a.skipped(of.namespace)}
		if item.Skipped == "" && a.Status == "resolved" && firing[of] {
			item.Skipped = "another alert of the same problem fires"
		}
		if item.Skipped == "" {
			item.Err = a.check()
			item.Report = report.Report{Namespace: of.namespace, Spec: a.spec(of, settings.Symptoms, in.ExternalURL, c.Clock.Now())}
		}
		items = append(items, item)
	}
	return items
}
