// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
	"kite.dev/kite/pkg/config"
	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/gateway/workload"
	"kite.dev/kite/pkg/rule"
)

const (
	// maxTimeout keeps a mistake in a file from holding requests for ever.
	maxTimeout = time.Hour
	maxExpiry  = 30 * 24 * time.Hour
	// maxNamespaces is how many namespaces of monitoring there can be.
	maxNamespaces = 100
)

// placeholder is a part of an address that is filled in.
var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// loadConfiguration reads the file that the flags name. Apply takes over what can change
// while the process runs.
func (o *Options) loadConfiguration(apply func(*gateway.Configuration) error) (*config.File[*gateway.Configuration], error) {
	return config.Load(o.Config, func() *gateway.Configuration { return &gateway.Configuration{} }, config.Rules[*gateway.Configuration]{
		Validate:  func(c *gateway.Configuration) error { return validate(c).ToAggregate() },
		CanReload: canReload,
		Apply:     apply,
	})
}

// validate returns all that is wrong.
func validate(c *gateway.Configuration) field.ErrorList {
	errs := validateAddress(field.NewPath("serving", "bindAddress"), c.Serving.BindAddress)
	errs = append(errs, validateAddress(field.NewPath("health", "bindAddress"), c.Health.BindAddress)...)
	errs = append(errs, validateLimits(field.NewPath("limits"), &c.Limits)...)
	errs = append(errs, validateTimeouts(field.NewPath("timeouts"), &c.Timeouts)...)
	errs = append(errs, validateLogURL(field.NewPath("logURL"), c.LogURL)...)
	_, wrong := rule.Compile(c.Rules, field.NewPath("rules"))
	errs = append(errs, wrong...)
	_, wrong = workload.Compile(c.Symptoms, field.NewPath("symptoms"))
	errs = append(errs, wrong...)
	errs = append(errs, validateNamespaces(field.NewPath("monitoringNamespaces"), c.MonitoringNamespaces)...)
	return append(errs, duration(field.NewPath("eventExpiry"), c.EventExpiry, time.Minute, maxExpiry)...)
}

func validateAddress(at *field.Path, address string) field.ErrorList {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return field.ErrorList{field.Invalid(at, address, "must be host:port")}
	}
	return nil
}

func validateLimits(at *field.Path, c *configv1alpha1.GatewayLimits) field.ErrorList {
	errs := within(at.Child("bodyBytes"), *c.BodyBytes, 1<<10, 3<<20)
	errs = append(errs, within(at.Child("connections"), *c.Connections, 1, 100_000)...)
	errs = append(errs, within(at.Child("inFlight"), *c.InFlight, 1, 10_000)...)
	errs = append(errs, within(at.Child("senderQPS"), *c.SenderQPS, 1, 100_000)...)
	errs = append(errs, within(at.Child("senderBurst"), *c.SenderBurst, 1, 100_000)...)
	return append(errs, within(at.Child("senders"), *c.Senders, 1, 1_000_000)...)
}

func validateTimeouts(at *field.Path, c *configv1alpha1.GatewayTimeouts) field.ErrorList {
	errs := duration(at.Child("read"), c.Read, time.Millisecond, maxTimeout)
	errs = append(errs, duration(at.Child("report"), c.Report, time.Millisecond, maxTimeout)...)
	errs = append(errs, duration(at.Child("write"), c.Write, time.Millisecond, maxTimeout)...)
	errs = append(errs, duration(at.Child("idle"), c.Idle, time.Millisecond, maxTimeout)...)
	errs = append(errs, duration(at.Child("leave"), c.Leave, 0, maxTimeout)...)
	errs = append(errs, duration(at.Child("shutdown"), c.Shutdown, time.Millisecond, maxTimeout)...)
	if c.Write.Duration < c.Read.Duration+c.Report.Duration {
		errs = append(errs, field.Invalid(at.Child("write"), c.Write.Duration.String(), "must be at least read and report together"))
	}
	return errs
}

func validateLogURL(at *field.Path, address string) field.ErrorList {
	var errs field.ErrorList
	if address != "" && !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
		errs = append(errs, field.Invalid(at, address, "must be an http or https URL"))
	}
	for _, part := range placeholder.FindAllString(address, -1) {
		if part != "{namespace}" && part != "{run}" {
			errs = append(errs, field.Invalid(at, address, fmt.Sprintf("%q is none of {namespace} and {run}", part)))
		}
	}
	return errs
}

func validateNamespaces(at *field.Path, names []string) field.ErrorList {
	if len(names) > maxNamespaces {
		return field.ErrorList{field.TooMany(at, len(names), maxNamespaces)}
	}
	var errs field.ErrorList
	for i, name := range names {
		for _, wrong := range validation.IsDNS1123Label(name) {
			errs = append(errs, field.Invalid(at.Index(i), name, wrong))
		}
	}
	return errs
}

func within(at *field.Path, value int32, from, to int) field.ErrorList {
	if int(value) < from || int(value) > to {
		return field.ErrorList{field.Invalid(at, value, fmt.Sprintf("must be %d to %d", from, to))}
	}
	return nil
}

func duration(at *field.Path, value *metav1.Duration, least, most time.Duration) field.ErrorList {
	if value.Duration < least || value.Duration > most {
		return field.ErrorList{field.Invalid(at, value.Duration.String(), fmt.Sprintf("must be %s to %s", least, most))}
	}
	return nil
}

// canReload names the fields that the running process cannot change.
func canReload(from, to *gateway.Configuration) error {
	var errs []error
	for _, fixed := range []struct {
		name     string
		from, to any
	}{
		{"serving", from.Serving, to.Serving},
		{"health", from.Health, to.Health},
		{"limits", from.Limits, to.Limits},
		{"timeouts", from.Timeouts, to.Timeouts},
	} {
		if !equality.Semantic.DeepEqual(fixed.from, fixed.to) {
			errs = append(errs, fmt.Errorf("%s changes only with a restart", fixed.name))
		}
	}
	return errors.Join(errs...)
}
