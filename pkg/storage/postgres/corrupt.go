// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/features"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/value"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
)

// maxCorruptErrors bounds how many corrupt objects one list names.
const maxCorruptErrors = 100

// CorruptObjectError marks an object whose stored bytes cannot be transformed or
// decoded, and which may therefore be deleted unsafely.
type CorruptObjectError struct{ Err error }

// Error implements error.
func (e *CorruptObjectError) Error() string {
	return "the stored object cannot be read: " + e.Err.Error()
}

// Unwrap implements errors.Unwrap.
func (e *CorruptObjectError) Unwrap() error { return e.Err }

// corruptDeletions tells whether upstream's unsafe deletion of corrupt objects is on.
func corruptDeletions() bool {
	return utilfeature.DefaultFeatureGate.Enabled(features.AllowUnsafeMalformedObjectDeletion)
}

// corruptAware makes a transformer's failures candidates for unsafe deletion.
type corruptAware struct{ value.Transformer }

// TransformFromStorage implements value.Transformer.
func (t corruptAware) TransformFromStorage(ctx context.Context, data []byte, dataCtx value.Context) ([]byte, bool, error) {
	out, stale, err := t.Transformer.TransformFromStorage(ctx, data, dataCtx)
	if err != nil {
		return nil, false, &CorruptObjectError{Err: err}
	}
	return out, stale, nil
}

// asCorruptKey gives a corrupt object's error the form by which upstream's registry
// recognises it.
func asCorruptKey(key string, err error) error {
	var corrupt *CorruptObjectError
	if corruptDeletions() && errors.As(err, &corrupt) {
		return storage.NewCorruptObjError(key, corrupt)
	}
	return err
}

// listErrors decides what an unreadable object does to a list: it ends it, unless
// corrupt objects can be deleted; then the list names them, so that they can be.
type listErrors struct {
	collect bool
	causes  []metav1.StatusCause
	first   error
	abort   error
}

func newListErrors() *listErrors { return &listErrors{collect: corruptDeletions()} }

// add returns false when the list must end.
func (l *listErrors) add(key string, err error) bool {
	var corrupt *CorruptObjectError
	if !l.collect || !errors.As(err, &corrupt) {
		l.abort = err
		if len(l.causes) > 0 {
			l.cause("", metav1.CauseTypeUnexpectedServerResponse, err.Error())
		}
		return false
	}
	if l.first == nil {
		l.first = err
	}
	l.cause(key, metav1.CauseTypeUnexpectedServerResponse, err.Error())
	if len(l.causes) < maxCorruptErrors {
		return true
	}
	l.cause("", metav1.CauseTypeTooMany, "too many errors, the list is truncated")
	return false
}

func (l *listErrors) cause(key string, reason metav1.CauseType, message string) {
	l.causes = append(l.causes, metav1.StatusCause{Type: reason, Field: key, Message: message})
}

func (l *listErrors) result(resource schema.GroupResource) error {
	if len(l.causes) == 0 {
		return l.abort
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    http.StatusInternalServerError,
		Reason:  metav1.StatusReasonStoreReadError,
		Message: fmt.Sprintf("%d or more %s cannot be read from the storage: %v", len(l.causes), resource, l.first),
		Details: &metav1.StatusDetails{Group: resource.Group, Kind: resource.Resource, Causes: l.causes},
	}}
}

// storeReadError is the status that upstream uses for objects that cannot be read.
func storeReadError(message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    http.StatusInternalServerError,
		Reason:  metav1.StatusReasonStoreReadError,
		Message: message,
	}}
}
