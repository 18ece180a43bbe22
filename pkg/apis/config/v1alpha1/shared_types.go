// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ClientConnectionConfiguration bounds requests to the host cluster.
type ClientConnectionConfiguration struct {
	// qps is how many requests are sent in a second, on average.
	// +optional
	// +default=100
	QPS *int32 `json:"qps,omitempty"`
	// burst is how many may be sent at once.
	// +optional
	// +default=200
	Burst *int32 `json:"burst,omitempty"`
}

// LeaderElectionConfiguration is about the Lease that the working replica holds.
type LeaderElectionConfiguration struct {
	// leaderElect lets a replica work only while it holds the Lease. Switch it off only for
	// a single process.
	// +optional
	// +default=true
	LeaderElect *bool `json:"leaderElect,omitempty"`
	// leaseDuration is how long the others wait after the last renewal before they take
	// over.
	// +optional
	// +default="15s"
	LeaseDuration *metav1.Duration `json:"leaseDuration,omitempty"`
	// renewDeadline is how long the holder tries to renew before it stops to work; less than
	// leaseDuration.
	// +optional
	// +default="10s"
	RenewDeadline *metav1.Duration `json:"renewDeadline,omitempty"`
	// retryPeriod is the pause between attempts; less than renewDeadline.
	// +optional
	// +default="2s"
	RetryPeriod *metav1.Duration `json:"retryPeriod,omitempty"`
	// resourceNamespace is the Lease's namespace. Defaults to the pod's own, outside of a
	// pod to kite-system.
	// +optional
	ResourceNamespace string `json:"resourceNamespace,omitempty"`
}

// HealthConfiguration is about /healthz and /readyz, which are served over HTTP; kite-gateway
// has /livez as well.
type HealthConfiguration struct {
	// bindAddress is host:port; 0 serves none.
	// +optional
	// +default=":8081"
	BindAddress string `json:"bindAddress,omitempty"`
}

// MetricsConfiguration is about /metrics and /configz, the running configuration. Both are
// served over HTTPS to those who may get these URLs.
type MetricsConfiguration struct {
	// bindAddress is host:port; 0 serves none.
	// +optional
	// +default=":8443"
	BindAddress string `json:"bindAddress,omitempty"`
	// certDir is a folder with tls.crt and tls.key, read again when they change. Without it
	// the certificate is self-signed.
	// +optional
	CertDir string `json:"certDir,omitempty"`
}
