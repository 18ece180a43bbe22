// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"sync/atomic"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/controllers/gate"
	"kite.dev/kite/pkg/controllers/monitor"
	"kite.dev/kite/pkg/controllers/pipelinerun"
	"kite.dev/kite/pkg/controllers/scopedeleted"
	"kite.dev/kite/pkg/controllers/servingcert"
	"kite.dev/kite/pkg/generated/clientset/versioned"
	"kite.dev/kite/pkg/report"
	"kite.dev/kite/pkg/rule"
)

// program is the configuration at start, and what is in force of what can change.
type program struct {
	*Configuration

	current atomic.Pointer[settings]
}

// settings can change while the process runs.
type settings struct {
	*Configuration

	rules *rule.Set
}

func (p *program) apply(c *Configuration) error {
	rules, errs := rule.Compile(c.Rules, field.NewPath("rules"))
	if len(errs) > 0 {
		return errs.ToAggregate()
	}
	p.current.Store(&settings{Configuration: c, rules: rules})
	return nil
}

// pipelineRunConfig is what is in force for the controller pipelinerun.
func (p *program) pipelineRunConfig(pods corev1client.PodsGetter) *pipelinerun.Config {
	now := p.current.Load()
	config := &pipelinerun.Config{
		Rules: now.rules, MintMakerNamespace: *now.PipelineRun.MintMakerNamespace,
		StartTimeout: now.PipelineRun.StartTimeout.Duration, LogURL: now.PipelineRun.LogURL,
	}
	if bytes := int(*now.PipelineRun.LogBytes); bytes > 0 {
		config.Logs = &pipelinerun.PodLogs{Pods: pods, Bytes: bytes}
	}
	return config
}

// controller is what a configuration selects.
type controller struct {
	name string
	// byName says that "*" does not mean this one.
	byName bool
	add    func(ctrl.Manager, *program) error
}

// controllers are all that this program has.
var controllers = []controller{
	{name: monitor.Name, add: addMonitor},
	{name: pipelinerun.Name, add: addPipelineRun},
	{name: scopedeleted.Name, add: addScopeDeleted},
	{name: servingcert.Name, byName: true, add: addServingCert},
	{name: gatewayCert, byName: true, add: addGatewayCert},
}

// gatewayCert keeps the gateway's certificate, of the same authority as kite-apiserver's.
const gatewayCert = "gatewaycert"

func controllerNames() []string {
	names := make([]string, 0, len(controllers))
	for _, c := range controllers {
		names = append(names, c.name)
	}
	return names
}

func controllersByName() []string {
	var names []string
	for _, c := range controllers {
		if c.byName {
			names = append(names, c.name)
		}
	}
	return names
}

func addMonitor(mgr ctrl.Manager, _ *program) error {
	issues, err := versioned.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	objects, err := dynamic.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	partial, err := metadata.NewForConfigAndClient(metadata.ConfigFor(mgr.GetConfig()), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	reviews, err := authorizationclient.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	kinds, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	return mgr.Add(monitor.New(monitor.Clients{
		Issues: issues, Reporter: report.New(issues.IssuesV1alpha1()), Objects: objects, Metadata: partial,
		Mapper: mgr.GetRESTMapper(), Discovery: kinds, Access: reviews.SelfSubjectAccessReviews(),
	}, clock.RealClock{}))
}

func addPipelineRun(mgr ctrl.Manager, p *program) error {
	issues, err := versioned.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	core, err := corev1client.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	config := func() *pipelinerun.Config { return p.pipelineRunConfig(core) }
	kind := tektonv1.SchemeGroupVersion.WithKind("PipelineRun")
	return mgr.Add(gate.New(kind, mgr.GetRESTMapper(), clock.RealClock{}, func() error {
		return pipelinerun.Setup(mgr, report.New(issues.IssuesV1alpha1()), config, int(*p.PipelineRun.ConcurrentSyncs))
	}))
}

func addScopeDeleted(mgr ctrl.Manager, _ *program) error {
	issues, err := versioned.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	objects, err := metadata.NewForConfigAndClient(metadata.ConfigFor(mgr.GetConfig()), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	reviews, err := authorizationclient.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	kinds, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	return mgr.Add(scopedeleted.New(scopedeleted.Clients{
		Issues: issues, Metadata: objects, Discovery: kinds, Access: reviews.SelfSubjectAccessReviews(),
	}, clock.RealClock{}))
}

// addServingCert serves the objects as artifacts/base names them.
func addServingCert(mgr ctrl.Manager, p *program) error {
	issues := issuesv1alpha1.SchemeGroupVersion
	config := servingcert.Config{ //nolint:gosec // Names of Secrets, no secrets.
		Namespace:       ownNamespace(p.LeaderElection.ResourceNamespace),
		Service:         "kite-apiserver",
		ServingSecret:   "kite-apiserver-tls",
		AuthoritySecret: "kite-apiserver-ca",
		APIServices:     []string{issues.Version + "." + issues.Group},
	}
	return mgr.Add(servingcert.New(config, mgr.GetAPIReader(), mgr.GetClient(), clock.RealClock{}))
}

// addGatewayCert serves the objects as artifacts/components/gateway names them.
func addGatewayCert(mgr ctrl.Manager, p *program) error {
	config := servingcert.Config{ //nolint:gosec // Names of Secrets, no secrets.
		Namespace:       ownNamespace(p.LeaderElection.ResourceNamespace),
		Service:         "kite-gateway",
		ServingSecret:   "kite-gateway-tls",
		AuthoritySecret: "kite-apiserver-ca",
	}
	return mgr.Add(servingcert.New(config, mgr.GetAPIReader(), mgr.GetClient(), clock.RealClock{}))
}
