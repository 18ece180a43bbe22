// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/config"
	configoptions "k8s.io/component-base/config/options"
	"k8s.io/component-base/featuregate"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"

	"kite.dev/kite/pkg/controllers/pipelinerun"
	"kite.dev/kite/pkg/controllers/rule"
)

// Options is what the command line sets.
type Options struct {
	// Controllers selects controllers as kube-controller-manager's flag does.
	// Defaults to "*".
	Controllers []string
	// ConcurrentPipelineRuns is how many runs are reported at the same time.
	// Defaults to 8.
	ConcurrentPipelineRuns int
	// RulesFile has the rules that give failures groups, causes, severities and origins;
	// empty means the built-in ones.
	RulesFile string
	// LogBytes is how much of the end of a failed step's log is read, at most 64 KiB,
	// which is the default; 0 reads none.
	LogBytes int
	// LogURL leads to the log of a PipelineRun that does not say where its own is.
	LogURL string
	// MintMakerNamespace is where MintMaker runs. Defaults to "mintmaker".
	MintMakerNamespace string

	// Kubeconfig is a file; empty means KUBECONFIG, then the pod's own account.
	Kubeconfig string
	// QPS and Burst bound requests to the host. Default to 100 and 200 a
	// second: a start over many finished runs sends one report for each.
	QPS   float32
	Burst int

	// LeaderElection defaults to a Lease kite-controllers in the pod's own
	// namespace.
	LeaderElection config.LeaderElectionConfiguration

	// HealthAddress serves /healthz and /readyz over HTTP. Defaults to :8081.
	HealthAddress string
	// MetricsAddress serves /metrics over HTTPS to those who may get it.
	// Defaults to :8443; "0" serves none.
	MetricsAddress string
	// MetricsCertDir has tls.crt and tls.key; empty means a self-signed
	// certificate of the process's own.
	MetricsCertDir string
	// ShutdownTimeout is how long work in progress may take to end. Defaults
	// to 30 s.
	ShutdownTimeout time.Duration

	Logs *logs.Options
	// Gates switches alpha parts on.
	Gates featuregate.MutableVersionedFeatureGate
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	return &Options{
		Controllers:            []string{"*"},
		ConcurrentPipelineRuns: 8,
		LogBytes:               rule.MaxText,
		MintMakerNamespace:     "mintmaker",
		QPS:                    100,
		Burst:                  200,
		LeaderElection: config.LeaderElectionConfiguration{
			LeaderElect:   true,
			LeaseDuration: metav1.Duration{Duration: 15 * time.Second},
			RenewDeadline: metav1.Duration{Duration: 10 * time.Second},
			RetryPeriod:   metav1.Duration{Duration: 2 * time.Second},
			ResourceLock:  resourcelock.LeasesResourceLock,
			ResourceName:  "kite-controllers",
		},
		HealthAddress:   ":8081",
		MetricsAddress:  ":8443",
		ShutdownTimeout: 30 * time.Second,
		Logs:            logs.NewOptions(),
		Gates:           newGates(),
	}
}

// newGates has gates of this program only, not those of the libraries for servers.
func newGates() featuregate.MutableVersionedFeatureGate {
	gates := featuregate.NewFeatureGate()
	utilruntime.Must(logsapi.AddFeatureGates(gates))
	return gates
}

// Flags returns the flags in sections.
func (o *Options) Flags() cliflag.NamedFlagSets {
	var sections cliflag.NamedFlagSets

	fs := sections.FlagSet("controllers")
	fs.StringSliceVar(&o.Controllers, "controllers", o.Controllers,
		"Controllers to run: '*' means all but those that run only when named, 'name' this one, '-name' not this one. "+
			"There are: "+strings.Join(controllerNames(), ", ")+". Only when named: "+strings.Join(controllersByName(), ", ")+".")
	fs.IntVar(&o.ConcurrentPipelineRuns, "concurrent-pipelinerun-syncs", o.ConcurrentPipelineRuns,
		"Number of PipelineRuns to report at the same time.")
	fs.StringVar(&o.RulesFile, "rules-file", o.RulesFile,
		"File with the rules by which failures get their group, cause, severity and origin. Without it the built-in rules are used.")
	fs.IntVar(&o.LogBytes, "log-bytes", o.LogBytes,
		"How many bytes of the end of a failed step's log are read, for rules and for the issue's excerpt; 0 reads no log.")
	fs.StringVar(&o.LogURL, "log-url", o.LogURL,
		"Address of a PipelineRun's log, with {namespace}, {name}, {uid}, {application} and {component}, for runs that do not say where their log is.")
	fs.StringVar(&o.MintMakerNamespace, "mintmaker-namespace", o.MintMakerNamespace,
		"Namespace in which MintMaker runs: its failures are reported to the namespaces of the components that they concern.")

	fs = sections.FlagSet("host cluster")
	fs.StringVar(&o.Kubeconfig, "kubeconfig", o.Kubeconfig,
		"Path of a kubeconfig file. Without it the file that KUBECONFIG names is used, in a pod its service account.")
	fs.Float32Var(&o.QPS, "kube-api-qps", o.QPS, "Requests per second to the host cluster, on average.")
	fs.IntVar(&o.Burst, "kube-api-burst", o.Burst, "Requests to the host cluster that may be sent at once.")

	configoptions.BindLeaderElectionFlags(&o.LeaderElection, sections.FlagSet("leader election"))

	fs = sections.FlagSet("serving")
	fs.StringVar(&o.HealthAddress, "health-probe-bind-address", o.HealthAddress, "Address of /healthz and /readyz (HTTP).")
	fs.StringVar(&o.MetricsAddress, "metrics-bind-address", o.MetricsAddress,
		"Address of /metrics (HTTPS, for those who may get the URL /metrics); '0' serves none.")
	fs.StringVar(&o.MetricsCertDir, "metrics-cert-dir", o.MetricsCertDir,
		"Folder with tls.crt and tls.key for /metrics. Without it the certificate is self-signed.")
	fs.DurationVar(&o.ShutdownTimeout, "shutdown-timeout", o.ShutdownTimeout,
		"How long work in progress may take to end after the process is told to stop.")

	logsapi.AddFlags(o.Logs, sections.FlagSet("logs"))
	o.Gates.AddFlag(sections.FlagSet("features"))
	return sections
}

// Validate returns everything that is wrong.
func (o *Options) Validate() []error {
	errs := validateSelectors(o.Controllers, controllerNames())
	if o.ConcurrentPipelineRuns < 1 {
		errs = append(errs, errors.New("--concurrent-pipelinerun-syncs must be at least 1"))
	}
	if o.LogBytes < 0 || o.LogBytes > rule.MaxText {
		errs = append(errs, fmt.Errorf("--log-bytes must be 0 to %d", rule.MaxText))
	}
	if err := pipelinerun.CheckLogURL(o.LogURL); err != nil {
		errs = append(errs, fmt.Errorf("--log-url: %w", err))
	}
	if o.LeaderElection.ResourceLock != resourcelock.LeasesResourceLock {
		errs = append(errs, errors.New("--leader-elect-resource-lock must be leases"))
	}
	if o.LeaderElection.RenewDeadline.Duration >= o.LeaderElection.LeaseDuration.Duration {
		errs = append(errs, errors.New("--leader-elect-renew-deadline must be less than --leader-elect-lease-duration"))
	}
	return errs
}
