// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// versioner is upstream's, but for resource versions that are no number: they are the
// client's fault, and upstream's plain errors would be answered with 500.
type versioner struct{ storage.APIObjectVersioner }

var _ storage.Versioner = versioner{}

// ObjectResourceVersion implements storage.Versioner.
func (v versioner) ObjectResourceVersion(obj runtime.Object) (uint64, error) {
	rv, err := v.APIObjectVersioner.ObjectResourceVersion(obj)
	if err != nil {
		return 0, invalidRevision(err)
	}
	return rv, nil
}

// ParseResourceVersion implements storage.Versioner.
func (v versioner) ParseResourceVersion(resourceVersion string) (uint64, error) {
	rv, err := v.APIObjectVersioner.ParseResourceVersion(resourceVersion)
	if err != nil {
		return 0, invalidRevision(err)
	}
	return rv, nil
}

func invalidRevision(err error) error {
	return apierrors.NewBadRequest(fmt.Sprintf("invalid resource version: %v", err))
}
