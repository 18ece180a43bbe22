// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/issuemonitor"
)

// maxMessage is the limit of a message in bytes.
const maxMessage = 1024

// faultOf is what an error says about an object. Its time is since when last has been so, if
// there was an error before.
func (w *watcher) faultOf(object types.NamespacedName, err error, last *issuesv1alpha1.MonitorError) *issuesv1alpha1.MonitorError {
	out := &issuesv1alpha1.MonitorError{
		Namespace: object.Namespace, Name: object.Name,
		At: metav1.NewTime(w.c.clock.Now().Truncate(time.Second)), // as it is stored
	}
	message := err.Error()
	if failed, ok := errors.AsType[*issuemonitor.Error](err); ok {
		out.Field, message = failed.Path.String(), failed.Err.Error()
	}
	out.Message = cut(message)
	if last != nil {
		out.At = last.At
	}
	return out
}

// ofItem says for which member of forEach an expression fails.
func (w *watcher) ofItem(err error, item int) error {
	failed, ok := errors.AsType[*issuemonitor.Error](err)
	if !ok || w.spec.ForEach == "" {
		return err
	}
	return &issuemonitor.Error{Path: failed.Path, Err: fmt.Errorf("forEach[%d]: %w", item, failed.Err)}
}

func cut(message string) string {
	return strings.ToValidUTF8(message[:min(len(message), maxMessage)], "")
}

// note keeps what keeps a problem from being told, if the monitor's author can mend it, until
// it is told.
func (w *watcher) note(s *situation, object types.NamespacedName, err error) {
	_, failed := errors.AsType[*issuemonitor.Error](err)
	w.told(s, func(p *problem) {
		switch {
		case err == nil:
			p.fault = nil
		case failed, apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsForbidden(err):
			p.fault = w.faultOf(object, err, p.fault)
		}
	})
}

// faults are those that have lasted longest, or nil: of an expression or another thing that
// keeps an object from being evaluated, and of a report that is refused. The status shows them
// until they are mended, so that it is not written for each of many.
func (w *watcher) faults() (evaluated, reported *issuesv1alpha1.MonitorError) {
	for _, o := range w.objects {
		evaluated = longer(evaluated, o.fault)
	}
	for _, p := range w.problems {
		if p.fault != nil && p.fault.Field == "" {
			reported = longer(reported, p.fault)
		} else {
			evaluated = longer(evaluated, p.fault)
		}
	}
	return evaluated, reported
}

// tell is a fault as a condition says it.
func tell(fault *issuesv1alpha1.MonitorError) string {
	text := fault.Message
	if fault.Field != "" {
		text = fault.Field + ": " + text
	}
	return types.NamespacedName{Namespace: fault.Namespace, Name: fault.Name}.String() + ": " + text
}

func longer(a, b *issuesv1alpha1.MonitorError) *issuesv1alpha1.MonitorError {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case cmp.Or(a.At.Compare(b.At.Time), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Message, b.Message)) <= 0:
		return a
	default:
		return b
	}
}
