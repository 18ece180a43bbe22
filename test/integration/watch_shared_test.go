// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const (
	metadataView = ";as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
	tableView    = ";as=Table;v=v1;g=meta.k8s.io"
)

// view is one way to be told of issues.
type view struct {
	accept, selector string
	// frame reads one event's bytes.
	frame func(*bufio.Reader) ([]byte, error)
	// event takes them apart, and object holds what they say to the view.
	event  func(t *testing.T, frame []byte) metav1.WatchEvent
	object func(t *testing.T, data []byte) metav1.ObjectMeta
	// common is what two watches of the view have in common; nil is the frame.
	common func(t *testing.T, first bool, frame []byte) []byte
}

var views = map[string]view{
	"whole":         {accept: "application/json", frame: line, event: jsonEvent, object: wholeIssue},
	"whole, chosen": {accept: "application/json", selector: "spec.type=build", frame: line, event: jsonEvent, object: wholeIssue},
	"table": {
		accept: "application/json" + tableView,
		frame:  line, event: jsonEvent, object: tableRow, common: withoutColumns,
	},
	"metadata": {accept: "application/json" + metadataView, frame: line, event: jsonEvent, object: jsonMetadata},
	"metadata, chosen": {
		accept: "application/json" + metadataView, selector: "spec.type=build",
		frame: line, event: jsonEvent, object: jsonMetadata,
	},
	"metadata in Protobuf": {
		accept: runtime.ContentTypeProtobuf + metadataView,
		frame:  lengthDelimited, event: protobufEvent, object: protobufMetadata,
	},
}

// change is what every watch tells of one event.
type change struct{ event, name, resourceVersion string }

// TestWatchesShareEvents: watches of the same issues in different representations get the
// same events, each in its own representation, and two of one representation get the same
// bytes, the columns of a table aside.
func TestWatchesShareEvents(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	since := revision(t, cfg)
	first, second := map[string]*bufio.Reader{}, map[string]*bufio.Reader{}
	for name, v := range views {
		first[name], second[name] = openWatch(t, cfg, v, since), openWatch(t, cfg, v, since)
	}
	left := openWatch(t, cfg, view{accept: "application/json", selector: "spec.severity=major"}, since)
	want := changeIssues(t, cfg)

	for name, v := range views {
		for i, change := range want {
			one, other := readFrame(t, v, first[name]), readFrame(t, v, second[name])
			require.Equal(t, change, v.read(t, one), name)
			if v.common != nil {
				one, other = v.common(t, i == 0, one), v.common(t, i == 0, other)
			}
			require.Equal(t, string(one), string(other), "two watches of one view: %s", name)
		}
	}
	// What ceases to match is deleted at the revision of the change, and has that revision.
	for _, change := range []change{want[0], {"DELETED", want[1].name, want[1].resourceVersion}, want[2]} {
		require.Equal(t, change, views["whole"].read(t, readFrame(t, views["whole"], left)))
	}
}

// changeIssues makes one event of each kind, and tells what watches should say of them.
func changeIssues(t *testing.T, cfg *rest.Config) []change {
	t.Helper()
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	ctx := t.Context()
	created, err := client.Create(ctx, newIssue("frontend"), metav1.CreateOptions{})
	require.NoError(t, err)
	changed, err := client.Patch(ctx, "frontend", types.MergePatchType, []byte(`{"spec":{"severity":"info"}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	other, err := client.Create(ctx, newIssue("backend"), metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, client.Delete(ctx, "frontend", metav1.DeleteOptions{}))
	return []change{
		{"ADDED", "frontend", created.ResourceVersion},
		{"MODIFIED", "frontend", changed.ResourceVersion},
		{"ADDED", "backend", other.ResourceVersion},
		{"DELETED", "frontend", revision(t, cfg)}, // nothing else writes
	}
}

// TestWatchRefusesYAML: YAML has no framing for a stream of events.
func TestWatchRefusesYAML(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	code, _, _ := requestWatch(t, cfg, view{accept: "application/yaml"}, revision(t, cfg))
	require.Equal(t, http.StatusNotAcceptable, code)
}

func openWatch(t *testing.T, cfg *rest.Config, v view, since string) *bufio.Reader {
	t.Helper()
	code, contentType, events := requestWatch(t, cfg, v, since)
	require.Equal(t, http.StatusOK, code)
	mediaType, _, _ := strings.Cut(v.accept, ";")
	require.True(t, strings.HasPrefix(contentType, mediaType), contentType)
	return events
}

// requestWatch bounds the whole watch, so that one which falls silent fails the test.
func requestWatch(t *testing.T, cfg *rest.Config, v view, since string) (code int, contentType string, events *bufio.Reader) {
	t.Helper()
	client, err := rest.HTTPClientFor(cfg)
	require.NoError(t, err)
	query := url.Values{"watch": {"1"}, "resourceVersion": {since}, "fieldSelector": {v.selector}}
	ctx, cancel := context.WithTimeout(t.Context(), 3*eventTimeout)
	t.Cleanup(cancel)
	target := strings.TrimSuffix(cfg.Host, "/") + "/apis/issues.kite.dev/v1alpha1/issues?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	require.NoError(t, err)
	request.Header.Set("Accept", v.accept)
	response, err := client.Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	return response.StatusCode, response.Header.Get("Content-Type"), bufio.NewReader(response.Body)
}

func readFrame(t *testing.T, v view, from *bufio.Reader) []byte {
	t.Helper()
	frame, err := v.frame(from)
	require.NoError(t, err)
	return frame
}

func (v view) read(t *testing.T, frame []byte) change {
	t.Helper()
	event := v.event(t, frame)
	object := v.object(t, event.Object.Raw)
	return change{event: event.Type, name: object.Name, resourceVersion: object.ResourceVersion}
}

func line(from *bufio.Reader) ([]byte, error) { return from.ReadBytes('\n') }

func lengthDelimited(from *bufio.Reader) ([]byte, error) {
	var size uint32
	if err := binary.Read(from, binary.BigEndian, &size); err != nil {
		return nil, err
	}
	frame := make([]byte, size)
	_, err := io.ReadFull(from, frame)
	return frame, err
}

func jsonEvent(t *testing.T, frame []byte) (event metav1.WatchEvent) {
	t.Helper()
	require.NoError(t, json.Unmarshal(frame, &event), "%s", frame)
	return event
}

func protobufEvent(t *testing.T, frame []byte) (event metav1.WatchEvent) {
	t.Helper()
	require.NoError(t, event.Unmarshal(frame))
	return event
}

func wholeIssue(t *testing.T, data []byte) metav1.ObjectMeta {
	t.Helper()
	var issue v1alpha1.Issue
	require.NoError(t, json.Unmarshal(data, &issue))
	require.Equal(t, v1alpha1.SchemeGroupVersion.WithKind("Issue"), issue.GroupVersionKind())
	require.Equal(t, newIssue(issue.Name).Spec.Title, issue.Spec.Title)
	require.Equal(t, v1alpha1.StateActive, issue.Status.State)
	return issue.ObjectMeta
}

func tableRow(t *testing.T, data []byte) metav1.ObjectMeta {
	t.Helper()
	var table metav1.Table
	require.NoError(t, json.Unmarshal(data, &table))
	require.Equal(t, metav1.SchemeGroupVersion.WithKind("Table"), table.GroupVersionKind())
	require.Len(t, table.Rows, 1)
	object := jsonMetadata(t, table.Rows[0].Object.Raw)
	require.Equal(t, object.Name, table.Rows[0].Cells[0])
	return object
}

// withoutColumns is a table's event without the definition of its columns. The first event
// of a watch has it; upstream leaves it out of those behind one that the watch has encoded
// itself, and which watch encodes for the others is chance.
func withoutColumns(t *testing.T, first bool, frame []byte) []byte {
	t.Helper()
	event := jsonEvent(t, frame)
	var table metav1.Table
	require.NoError(t, json.Unmarshal(event.Object.Raw, &table))
	if first {
		require.NotEmpty(t, table.ColumnDefinitions)
	}
	table.ColumnDefinitions = nil
	return mustJSON(t, table)
}

func jsonMetadata(t *testing.T, data []byte) metav1.ObjectMeta {
	t.Helper()
	var fields map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &fields))
	require.NotContains(t, fields, "spec")
	var object metav1.PartialObjectMetadata
	require.NoError(t, json.Unmarshal(data, &object))
	require.Equal(t, metav1.SchemeGroupVersion.WithKind("PartialObjectMetadata"), object.GroupVersionKind())
	return object.ObjectMeta
}

func protobufMetadata(t *testing.T, data []byte) metav1.ObjectMeta {
	t.Helper()
	scheme := runtime.NewScheme()
	utilruntime.Must(metav1.AddMetaToScheme(scheme))
	decoded, err := runtime.Decode(protobuf.NewSerializer(scheme, scheme), data)
	require.NoError(t, err)
	object, ok := decoded.(*metav1.PartialObjectMetadata)
	require.True(t, ok, "%T", decoded)
	return object.ObjectMeta
}
