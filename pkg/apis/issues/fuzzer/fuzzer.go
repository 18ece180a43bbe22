// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package fuzzer fills issues with random content for round-trip tests.
package fuzzer

import (
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/randfill"

	"kite.dev/kite/pkg/apis/issues"
)

// Funcs returns what random filling needs to know about the group: fields that
// decoding would default are never left empty.
func Funcs(serializer.CodecFactory) []any {
	return []any{
		func(link *issues.IssueLink, c randfill.Continue) {
			c.FillNoCustom(link)
			if link.Kind == "" {
				link.Kind = issues.LinkOther
			}
		},
		func(link *issues.LinkTemplate, c randfill.Continue) {
			c.FillNoCustom(link)
			if link.Kind == "" {
				link.Kind = issues.LinkOther
			}
		},
		func(spec *issues.IssueMonitorSpec, c randfill.Continue) {
			c.FillNoCustom(spec)
			if spec.Mode == "" {
				spec.Mode = issues.ModeState
			}
		},
		func(hmac *issues.WebhookHMAC, c randfill.Continue) {
			c.FillNoCustom(hmac)
			if hmac.Encoding == "" {
				hmac.Encoding = issues.SignatureHex
			}
		},
		func(resource *issues.MonitoredResource, c randfill.Continue) {
			c.FillNoCustom(resource)
			if resource.Resource == "" {
				resource.Resource = "deployments"
			}
		},
	}
}
