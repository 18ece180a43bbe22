// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/klog/v2"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
	"kite.dev/kite/pkg/config"
	"kite.dev/kite/pkg/controllers/pipelinerun"
	"kite.dev/kite/pkg/rule"
)

// Configuration is what the file says.
type Configuration = configv1alpha1.ControllersConfiguration

const maxConcurrent = 100

// loadConfiguration reads the file that the flags name. Apply takes over what can change
// while the process runs.
func (o *Options) loadConfiguration(apply func(*Configuration) error) (*config.File[*Configuration], error) {
	return config.Load(o.Config, func() *Configuration { return &Configuration{} }, config.Rules[*Configuration]{
		Override: func(c *Configuration) {
			if o.replacesControllers(c) {
				klog.Background().Info("The file's controllers are not used: the flag --controllers is given", "file", c.Controllers, "flag", o.Controllers)
			}
			if len(o.Controllers) > 0 {
				c.Controllers = o.Controllers
			}
		},
		Validate:  func(c *Configuration) error { return validate(c).ToAggregate() },
		CanReload: canReload,
		Apply:     apply,
	})
}

// replacesControllers says whether a file has a choice that the flag makes void.
func (o *Options) replacesControllers(c *Configuration) bool {
	return len(o.Controllers) > 0 && !slices.Equal(c.Controllers, []string{"*"}) && !slices.Equal(c.Controllers, o.Controllers)
}

// validate returns all that is wrong.
func validate(c *Configuration) field.ErrorList {
	errs := validateSelectors(field.NewPath("controllers"), c.Controllers, controllerNames())
	errs = append(errs, validatePipelineRun(field.NewPath("pipelineRun"), &c.PipelineRun)...)
	_, wrong := rule.Compile(c.Rules, field.NewPath("rules"))
	errs = append(errs, wrong...)
	errs = append(errs, within(field.NewPath("clientConnection", "qps"), *c.ClientConnection.QPS, 1, 100_000)...)
	errs = append(errs, within(field.NewPath("clientConnection", "burst"), *c.ClientConnection.Burst, 1, 100_000)...)
	errs = append(errs, validateElection(field.NewPath("leaderElection"), &c.LeaderElection)...)
	errs = append(errs, validateAddress(field.NewPath("health", "bindAddress"), c.Health.BindAddress)...)
	errs = append(errs, validateAddress(field.NewPath("metrics", "bindAddress"), c.Metrics.BindAddress)...)
	return append(errs, positive(field.NewPath("shutdownTimeout"), c.ShutdownTimeout)...)
}

func validatePipelineRun(at *field.Path, c *configv1alpha1.PipelineRunConfiguration) field.ErrorList {
	errs := within(at.Child("concurrentSyncs"), *c.ConcurrentSyncs, 1, maxConcurrent)
	errs = append(errs, within(at.Child("logBytes"), *c.LogBytes, 0, rule.MaxText)...)
	if limit := c.StartTimeout.Duration; limit < time.Second || limit > 24*time.Hour {
		errs = append(errs, field.Invalid(at.Child("startTimeout"), limit.String(), "must be 1s to 24h"))
	}
	if err := pipelinerun.CheckLogURL(c.LogURL); err != nil {
		errs = append(errs, field.Invalid(at.Child("logURL"), c.LogURL, err.Error()))
	}
	return errs
}

func validateElection(at *field.Path, c *configv1alpha1.LeaderElectionConfiguration) field.ErrorList {
	var errs field.ErrorList
	for name, duration := range map[string]*metav1.Duration{
		"leaseDuration": c.LeaseDuration, "renewDeadline": c.RenewDeadline, "retryPeriod": c.RetryPeriod,
	} {
		errs = append(errs, positive(at.Child(name), duration)...)
	}
	if c.RenewDeadline.Duration >= c.LeaseDuration.Duration {
		errs = append(errs, field.Invalid(at.Child("renewDeadline"), c.RenewDeadline.Duration.String(), "must be less than leaseDuration"))
	}
	if c.RetryPeriod.Duration >= c.RenewDeadline.Duration {
		errs = append(errs, field.Invalid(at.Child("retryPeriod"), c.RetryPeriod.Duration.String(), "must be less than renewDeadline"))
	}
	return errs
}

func validateAddress(at *field.Path, address string) field.ErrorList {
	if address == "0" {
		return nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return field.ErrorList{field.Invalid(at, address, "must be host:port, or 0 for none")}
	}
	return nil
}

func within(at *field.Path, value int32, from, to int) field.ErrorList {
	if int(value) < from || int(value) > to {
		return field.ErrorList{field.Invalid(at, value, fmt.Sprintf("must be %d to %d", from, to))}
	}
	return nil
}

func positive(at *field.Path, duration *metav1.Duration) field.ErrorList {
	if duration.Duration <= 0 || duration.Duration > time.Hour {
		return field.ErrorList{field.Invalid(at, duration.Duration.String(), "must be more than 0s and at most 1h")}
	}
	return nil
}

// canReload names the fields that the running process cannot change.
func canReload(from, to *Configuration) error {
	var errs []error
	for _, fixed := range []struct {
		name     string
		from, to any
	}{
		{"controllers", from.Controllers, to.Controllers},
		{"pipelineRun.concurrentSyncs", from.PipelineRun.ConcurrentSyncs, to.PipelineRun.ConcurrentSyncs},
		{"clientConnection", from.ClientConnection, to.ClientConnection},
		{"leaderElection", from.LeaderElection, to.LeaderElection},
		{"health", from.Health, to.Health},
		{"metrics", from.Metrics, to.Metrics},
		{"shutdownTimeout", from.ShutdownTimeout, to.ShutdownTimeout},
	} {
		if !equality.Semantic.DeepEqual(fixed.from, fixed.to) {
			errs = append(errs, fmt.Errorf("%s changes only with a restart", fixed.name))
		}
	}
	return errors.Join(errs...)
}
