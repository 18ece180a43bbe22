// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package alertmanager

import (
	"fmt"
	"net/http"

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
	// Symptoms are asked for at each request, since they can change.
	Symptoms func() *workload.Table
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

// read refuses a notification of which any alert is wrong: Alertmanager writes them all in
// one way.
func read(r *http.Request) (*notification, error) {
	in := &notification{}
	errs, err := gateway.ReadJSON(r, in)
	if err != nil {
		return nil, err
	}
	if in.Version != "4" {
		errs = append(errs, gateway.FieldError{Field: "version", Detail: `must be "4"`})
	}
	for i := range in.Alerts {
		errs = append(errs, in.Alerts[i].check(fmt.Sprintf("alerts[%d]", i))...)
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
	table, firing := c.Symptoms(), map[problem]bool{}
	for i := range in.Alerts {
		if in.Alerts[i].Status == "firing" {
			firing[problemOf(&in.Alerts[i], table)] = true
		}
	}
	items := make([]gateway.Item, 0, len(in.Alerts))
	for i := range in.Alerts {
		a := &in.Alerts[i]
		item := gateway.Item{Field: fmt.Sprintf("alerts[%d]", i), Skipped: a.skipped()}
		if item.Skipped == "" && a.Status == "resolved" && firing[problemOf(a, table)] {
			item.Skipped = "another alert of the same problem fires"
		}
		if item.Skipped == "" {
			item.Report = report.Report{Namespace: a.namespace(), Spec: a.spec(table, in.ExternalURL, c.Clock.Now())}
		}
		items = append(items, item)
	}
	return items
}
