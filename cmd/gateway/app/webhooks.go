// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"time"

	"k8s.io/client-go/kubernetes"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/gateway/webhook"
	"kite.dev/kite/pkg/generated/clientset/versioned"
	"kite.dev/kite/pkg/report"
)

// newWebhooks act with the gateway's own rights where their senders have no account.
func newWebhooks(
	host *rest.Config, callers gateway.Reporter, reviews authorizationclient.SelfSubjectAccessReviewsGetter, timeout time.Duration,
) (*webhook.Webhooks, error) {
	own := rest.CopyConfig(host)
	own.QPS = -1 // senders have their rates, and kube-apiserver has its own fairness
	issues, err := versioned.NewForConfig(own)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	cluster, err := kubernetes.NewForConfig(own)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return webhook.New(webhook.Config{
		Issues: issues, Host: cluster, Reviews: reviews, Callers: callers, Clock: clock.RealClock{},
		Own: report.New(issues.IssuesV1alpha1(), report.WithTimeout(timeout), report.WithBackoff(attempts)),
	})
}
