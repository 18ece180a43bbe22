// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/wait"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/gateway/alertmanager"
	"kite.dev/kite/pkg/gateway/cloudevents"
	"kite.dev/kite/pkg/gateway/kite"
	"kite.dev/kite/pkg/gateway/webhook"
	"kite.dev/kite/pkg/gateway/workload"
	"kite.dev/kite/pkg/generated/clientset/versioned"
	"kite.dev/kite/pkg/report"
	"kite.dev/kite/pkg/rule"
)

// attempts are few: the sender waits, and comes again by itself.
var attempts = wait.Backoff{Duration: 250 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 3}

// program is what the configuration made of the running process.
type program struct {
	current  atomic.Pointer[running]
	webhooks *webhook.Webhooks
}

type running struct {
	*gateway.Configuration

	rules    *rule.Set
	symptoms *workload.Table
}

// apply takes a configuration over.
func (p *program) apply(c *gateway.Configuration) error {
	rules, errs := rule.Compile(c.Rules, field.NewPath("rules"))
	if len(errs) > 0 {
		return errs.ToAggregate()
	}
	symptoms, errs := workload.Compile(c.Symptoms, field.NewPath("symptoms"))
	if len(errs) > 0 {
		return errs.ToAggregate()
	}
	p.current.Store(&running{Configuration: c, rules: rules, symptoms: symptoms})
	return nil
}

// NewSources are the sources of a configuration, for a server that has no file, and what
// they need to run beside it until its context ends.
func NewSources(host *rest.Config, c *gateway.Configuration) ([]gateway.Source, func(context.Context), error) {
	p := &program{}
	if err := p.apply(c); err != nil {
		return nil, nil, err
	}
	sources, err := p.sources(host, http.NotFoundHandler())
	if err != nil {
		return nil, nil, err
	}
	return sources, p.webhooks.Run, nil
}

func (p *program) kiteSettings() kite.Settings {
	now := p.current.Load()
	return kite.Settings{LogURL: now.LogURL, Rules: now.rules}
}

func (p *program) alertSettings() alertmanager.Settings {
	now := p.current.Load()
	return alertmanager.Settings{Symptoms: now.symptoms, Monitoring: sets.New(now.MonitoringNamespaces...)}
}

func (p *program) eventSettings() cloudevents.Settings {
	now := p.current.Load()
	return cloudevents.Settings{Symptoms: now.symptoms, Expiry: now.EventExpiry.Duration}
}

// sources are all that the gateway takes. Of the host's configuration they keep the address
// and whom to trust. Configz shows the configuration.
func (p *program) sources(host *rest.Config, configz http.Handler) ([]gateway.Source, error) {
	callers := gateway.CallerConfig(host)
	issues, err := versioned.NewForConfig(callers)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	reviews, err := authorizationclient.NewForConfig(callers)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	reporter := report.New(issues.IssuesV1alpha1(),
		report.WithTimeout(p.current.Load().Timeouts.Report.Duration), report.WithBackoff(attempts))
	if p.webhooks, err = newWebhooks(host, reporter, reviews, p.current.Load().Timeouts.Report.Duration); err != nil {
		return nil, err
	}
	return append(kite.Sources(kite.Config{
		Reports: reporter, Issues: issues.IssuesV1alpha1(), Clock: clock.RealClock{}, Settings: p.kiteSettings,
	}),
		alertmanager.Source(alertmanager.Config{Reports: reporter, Clock: clock.RealClock{}, Settings: p.alertSettings}),
		cloudevents.Source(cloudevents.Config{Reports: reporter, Clock: clock.RealClock{}, Settings: p.eventSettings}),
		p.webhooks.Source(),
		gateway.Guarded("/metrics", reviews, legacyregistry.Handler()),
		gateway.Guarded("/configz", reviews, configz),
	), nil
}
