// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/gateway"
)

// kubeEvent is an Event of v1 or of events.k8s.io/v1, as far as it is used.
type kubeEvent struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Type   string `json:"type"`
	Reason string `json:"reason"`

	// v1
	Message        string                 `json:"message"`
	InvolvedObject corev1.ObjectReference `json:"involvedObject"`
	Count          int32                  `json:"count"`
	LastTimestamp  metav1.Time            `json:"lastTimestamp"`

	// events.k8s.io/v1
	Note                    string                 `json:"note"`
	Regarding               corev1.ObjectReference `json:"regarding"`
	DeprecatedCount         int32                  `json:"deprecatedCount"`
	DeprecatedLastTimestamp metav1.Time            `json:"deprecatedLastTimestamp"`

	EventTime metav1.MicroTime `json:"eventTime"`
	Series    *series          `json:"series"`
}

type series struct {
	Count            int32            `json:"count"`
	LastObservedTime metav1.MicroTime `json:"lastObservedTime"`
}

// read returns the CloudEvents of a request.
func read(r *http.Request) ([]event.Event, error) {
	body, err := gateway.ReadBody(r)
	if err != nil {
		return nil, err
	}
	events, err := decode(r, body)
	if err != nil {
		return nil, err
	}
	var errs []gateway.FieldError
	for i := range events {
		if err := events[i].Validate(); err != nil {
			errs = append(errs, gateway.FieldError{Field: fmt.Sprintf("events[%d]", i), Detail: oneLine(err.Error())})
		}
	}
	if len(errs) > 0 {
		return nil, &gateway.Problem{Status: http.StatusBadRequest, Detail: "an attribute that CloudEvents requires is wrong", Errors: errs}
	}
	return events, nil
}

func decode(r *http.Request, body []byte) ([]event.Event, error) {
	if r.Header.Values("Ce-") != nil { // the SDK panics without a first letter
		return nil, &gateway.Problem{Status: http.StatusBadRequest, Detail: "the header ce- names no attribute"}
	}
	message := cehttp.NewMessage(r.Header, io.NopCloser(bytes.NewReader(body)))
	defer func() { _ = message.Finish(nil) }() // reads from memory
	switch message.ReadEncoding() {
	case binding.EncodingBatch:
		if gateway.HasMore(body, maxEvents) {
			return nil, &gateway.Problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("more than %d events", maxEvents)}
		}
		events, err := binding.ToEvents(r.Context(), message, message.BodyReader)
		return events, malformed(err)
	case binding.EncodingBinary, binding.EncodingStructured:
		one, err := binding.ToEvent(r.Context(), message)
		if err != nil {
			return nil, malformed(err)
		}
		return []event.Event{*one}, nil
	default:
		return nil, &gateway.Problem{
			Status: http.StatusUnsupportedMediaType,
			Detail: "send a CloudEvent: with headers ce-*, as application/cloudevents+json, or as application/cloudevents-batch+json",
		}
	}
}

func malformed(err error) error {
	if err == nil {
		return nil
	}
	return &gateway.Problem{Status: http.StatusBadRequest, Detail: "the body is no CloudEvent: " + oneLine(err.Error())}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// kubeEventOf is nil for what is no event of Kubernetes.
func kubeEventOf(e *event.Event) *kubeEvent {
	out := &kubeEvent{}
	if json.Unmarshal(e.Data(), out) != nil || out.Kind != "Event" {
		return nil
	}
	return out
}
