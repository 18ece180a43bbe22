// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/gateway/workload"
	"kite.dev/kite/pkg/report"
)

// Name of the source.
const Name = "cloudevents"

// maxEvents bounds the events of one batch.
const maxEvents = 1000

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
	// Expiry is after how long an issue is resolved when its event did not come again.
	Expiry time.Duration
}

// envelope is what the CloudEvent itself says.
type envelope struct {
	id   string
	time time.Time
}

// Source is the webhook.
func Source(config Config) gateway.Source {
	config.Reports = gateway.Counted(Name, config.Reports)
	return gateway.Source{Name: Name, Pattern: "/api/v1/webhooks/" + Name, Handler: config.serve}
}

// serve answers without a body: some senders take a body for an event.
func (c *Config) serve(w http.ResponseWriter, r *http.Request) error {
	events, err := read(r)
	if err != nil {
		return err
	}
	if _, err := gateway.ReportAll(r.Context(), c.Reports, c.items(events)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *Config) items(events []event.Event) []gateway.Item {
	settings, now := c.Settings(), c.Clock.Now()
	items := make([]gateway.Item, 0, len(events))
	for i := range events {
		item := gateway.Item{Field: fmt.Sprintf("events[%d]", i)}
		sent := envelope{id: events[i].Source() + "\x00" + events[i].ID(), time: events[i].Time()}
		e := kubeEventOf(&events[i])
		switch {
		case e == nil:
			item.Skipped = "is no event of Kubernetes"
		case strings.HasSuffix(events[i].Type(), ".delete"):
			item.Skipped = "the event was forgotten, which says nothing"
		default:
			item.Skipped = e.skipped(settings.Symptoms)
		}
		if item.Skipped == "" {
			item.Report = report.Report{
				Namespace: e.about().Namespace, Spec: e.spec(settings.Symptoms, settings.Expiry, sent, now),
			}
		}
		items = append(items, item)
	}
	return items
}
