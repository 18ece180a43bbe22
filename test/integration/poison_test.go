// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/registry/issues/issue"
	"kite.dev/kite/test/pgtest"
)

const (
	groupPath   = "/apis/issues.kite.dev/v1alpha1"
	reportsPath = groupPath + "/namespaces/" + namespace + "/issuereports"
)

// requireRefusal reads a proper Status with a code of the client's making, which tells
// nothing of the database.
func requireRefusal(t testing.TB, code int, body []byte, note ...any) metav1.Status {
	t.Helper()
	var status metav1.Status
	require.NoError(t, json.Unmarshal(body, &status), "%v: %.300s", note, body)
	require.Equal(t, "Status", status.Kind, note...)
	require.Equal(t, metav1.StatusFailure, status.Status, note...)
	require.EqualValues(t, code, status.Code, note...)
	require.GreaterOrEqual(t, code, 400, "%v: %.300s", note, body)
	require.Less(t, code, 500, "%v: %.300s", note, body)
	require.NotEmpty(t, status.Reason, note...)
	requireNoSecrets(t, body)
	return status
}

func requireNoSecrets(t testing.TB, body []byte) {
	t.Helper()
	pg, err := pgx.ParseConfig(pgtest.DSN(t))
	require.NoError(t, err)
	for _, secret := range []string{
		"SQLSTATE", "SELECT ", "INSERT ", "relation ", "search_text", "problem_key", "prev_value", "pgx", "password",
		fmt.Sprintf(":%d", pg.Port), "user=", "t_",
	} {
		require.NotContains(t, string(body), secret)
	}
}

// escapes are JSON strings that no text column holds, or that are longer than any field.
var escapes = map[string]string{
	"nul":              `"a\u0000b"`,
	"only nul":         `"\u0000"`,
	"surrogate":        `"a\ud800b"`,
	"swapped":          `"a\udc00\ud800b"`,
	"truncated UTF-8":  "\"a\xe2\x82\"",
	"surrogate's UTF8": "\"a\xed\xa0\x80b\"",
	"1 MB":             `"` + strings.Repeat("x", 1<<20) + `"`,
}

// placeOf says where a client writes a field that is projected. A new field without an
// entry fails the test.
func placeOf(t testing.TB, field string) (path string, fields []string) {
	t.Helper()
	switch {
	case strings.HasPrefix(field, "spec."), field == "metadata.name", field == "metadata.namespace":
		return issuesPath, strings.Split(field, ".")
	case field == v1alpha1.FieldSearch:
		return issuesPath, []string{"spec", "description"}
	case field == v1alpha1.FieldState:
		return issuesPath, []string{"status", "state"}
	case field == v1alpha1.FieldRunName:
		return reportsPath, []string{"spec", "run", "name"}
	case field == v1alpha1.FieldRunUID:
		return reportsPath, []string{"spec", "run", "uid"}
	}
	require.Fail(t, "no place is known where clients write "+field)
	return "", nil
}

const mark = "POISON"

// body is a sound object but for one field, which holds a JSON literal.
func body(t *testing.T, path string, fields []string, literal string) []byte {
	t.Helper()
	var sound any = newIssueWithKind("poisoned")
	if path == reportsPath {
		report := failed(1, withRun(1))
		report.TypeMeta = metav1.TypeMeta{Kind: "IssueReport", APIVersion: v1alpha1.SchemeGroupVersion.String()}
		sound = report
	}
	var object map[string]any
	require.NoError(t, json.Unmarshal(mustJSON(t, sound), &object))
	require.NoError(t, unstructured.SetNestedField(object, mark, fields...))
	return []byte(strings.Replace(string(mustJSON(t, object)), `"`+mark+`"`, literal, 1))
}

// TestPoisonedFields sends what cannot be stored through every field that selectors
// know, the list of which comes from the projection.
func TestPoisonedFields(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	for _, column := range issue.Projection().Columns {
		if column.Field == "" {
			continue
		}
		path, fields := placeOf(t, column.Field)
		for kind, literal := range escapes {
			t.Run(column.Field+"/"+kind, func(t *testing.T) {
				t.Parallel()
				code, answer, _ := Do(t.Context(), t, cfg, http.MethodPost, path, body(t, path, fields, literal))
				requireNoSecrets(t, answer)
				if code == http.StatusCreated {
					requireReadable(t, cfg, path, answer)
					return
				}
				status := requireRefusal(t, code, answer, column.Field, kind)
				if code != http.StatusUnprocessableEntity {
					return
				}
				paths := []string{}
				for _, cause := range status.Details.Causes {
					paths = append(paths, cause.Field)
				}
				require.Contains(t, paths, strings.Join(fields, "."), "%s", answer)
			})
		}
	}
}

// requireReadable: JSON replaces what is not Unicode, and the server its own fields;
// what was accepted is stored text.
func requireReadable(t testing.TB, cfg *rest.Config, path string, answer []byte) {
	t.Helper()
	require.NotContains(t, string(answer), `\u0000`)
	if path != issuesPath {
		return
	}
	var created v1alpha1.Issue
	require.NoError(t, json.Unmarshal(answer, &created))
	require.Equal(t, v1alpha1.StateActive, created.Status.State)
	code, again, _ := Do(t.Context(), t, cfg, http.MethodGet, path+"/"+created.Name, nil)
	require.Equal(t, http.StatusOK, code)
	require.JSONEq(t, string(answer), string(again))
	code, _, _ = Do(t.Context(), t, cfg, http.MethodDelete, path+"/"+created.Name, nil)
	require.Equal(t, http.StatusOK, code)
}

// TestPoisonedRequests: whatever is in the URL or in the body, the answer is a Status
// that blames the request, and the server goes on.
func TestPoisonedRequests(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	_, err := client.Create(t.Context(), newIssue("sound"), metav1.CreateOptions{})
	require.NoError(t, err)
	query := func(key, value string) string { return issuesPath + "?" + url.Values{key: {value}}.Encode() }
	token := func(text string) string {
		return query("continue", base64.RawURLEncoding.EncodeToString([]byte(text))) + "&limit=1"
	}
	clusterToken := func(resource, text string) string {
		return groupPath + "/" + resource + "?limit=1&continue=" + base64.RawURLEncoding.EncodeToString([]byte(text))
	}
	withField := func(change func(*v1alpha1.Issue)) []byte {
		issue := newIssueWithKind("sound")
		change(issue)
		return mustJSON(t, issue)
	}
	for name, tc := range map[string]struct {
		method, path string
		body         []byte
		code         int
	}{
		"name with nul":             {http.MethodGet, issuesPath + "/a%00b", nil, 400},
		"name not in UTF-8":         {http.MethodGet, issuesPath + "/a%ffb", nil, 400},
		"name with dots":            {http.MethodGet, issuesPath + "/..%2f..%2fx", nil, 404},
		"long name":                 {http.MethodGet, issuesPath + "/" + strings.Repeat("x", 1<<18), nil, 404},
		"namespace with nul":        {http.MethodGet, groupPath + "/namespaces/a%00b/issues", nil, 400},
		"delete with nul":           {http.MethodDelete, issuesPath + "/a%00b", nil, 400},
		"list by name with nul":     {http.MethodGet, query("fieldSelector", "metadata.name=a\x00b"), nil, 400},
		"list by namespace and nul": {http.MethodGet, groupPath + "/issues?fieldSelector=metadata.namespace%3Da%00b", nil, 0},
		"unknown field":             {http.MethodGet, query("fieldSelector", "spec.nothing=a"), nil, 400},
		"broken field selector":     {http.MethodGet, query("fieldSelector", `spec.type=a\`), nil, 400},
		"broken label selector":     {http.MethodGet, query("labelSelector", "a in (b"), nil, 400},
		"label with nul":            {http.MethodGet, query("labelSelector", "a=\x00"), nil, 0},
		"label not in UTF-8":        {http.MethodGet, query("labelSelector", "a=\xff"), nil, 400},
		"short search":              {http.MethodGet, query("fieldSelector", "search=a"), nil, 400},
		"long search":               {http.MethodGet, query("fieldSelector", "search="+strings.Repeat("x", 129)), nil, 400},
		"limit":                     {http.MethodGet, query("limit", "x"), nil, 400},
		"negative limit":            {http.MethodGet, query("limit", "-1"), nil, 0},
		"timeout":                   {http.MethodGet, query("timeoutSeconds", "x"), nil, 400},
		"duration of a request":     {http.MethodGet, query("timeout", "x"), nil, 400},
		"revision":                  {http.MethodGet, query("resourceVersion", "x"), nil, 400},
		"revision with nul":         {http.MethodGet, query("resourceVersion", "1\x00"), nil, 400},
		"watch from a text":         {http.MethodGet, query("resourceVersion", "x") + "&watch=1", nil, 400},
		"match":                     {http.MethodGet, query("resourceVersionMatch", "x") + "&resourceVersion=1", nil, 422},
		"token of noise":            {http.MethodGet, query("continue", "%%%"), nil, 400},
		"truncated token":           {http.MethodGet, token(`{"v":"meta.k8s.io/v1","rv":1,"st`), nil, 400},
		"token to elsewhere":        {http.MethodGet, token(`{"v":"meta.k8s.io/v1","rv":-1,"start":"../other/x"}`), nil, 400},
		"token with nul":            {http.MethodGet, token(`{"v":"meta.k8s.io/v1","rv":-1,"start":"a\u0000b"}`), nil, 400},
		"token of the future":       {http.MethodGet, token(`{"v":"meta.k8s.io/v1","rv":9000000000000000,"start":"a"}`), nil, 410},
		"token with a huge key":     {http.MethodGet, token(`{"v":"meta.k8s.io/v1","rv":-1,"start":"` + strings.Repeat("x", 1<<18) + `"}`), nil, 0},
		"body of 3 MiB":             {http.MethodPost, issuesPath, withField(func(i *v1alpha1.Issue) { i.Spec.Description = strings.Repeat("x", 3<<20) }), 413},
		"object over 1 MiB":         {http.MethodPost, issuesPath, withField(addLabels), 413},
		"no JSON":                   {http.MethodPost, issuesPath, []byte("{"), 400},
		"deep JSON":                 {http.MethodPost, issuesPath, []byte(strings.Repeat(`{"spec":`, 20_000)), 400},
		"other kind":                {http.MethodPost, issuesPath, []byte(`{"apiVersion":"v1","kind":"Pod"}`), 400},
		"number for a text":         {http.MethodPost, issuesPath, []byte(`{"apiVersion":"issues.kite.dev/v1alpha1","kind":"Issue","spec":{"type":1}}`), 400},
		"revision of an object":     {http.MethodPut, issuesPath + "/sound", withField(func(i *v1alpha1.Issue) { i.ResourceVersion = "x\x00" }), 400},
		"generate name":             {http.MethodPost, issuesPath, withField(func(i *v1alpha1.Issue) { i.Name, i.GenerateName = "", "a\x00" }), 422},
		"label value":               {http.MethodPost, issuesPath, withField(func(i *v1alpha1.Issue) { i.Labels = map[string]string{"a": "\x00"} }), 422},
		"finalizer":                 {http.MethodPost, issuesPath, withField(func(i *v1alpha1.Issue) { i.Finalizers = []string{"example.com/\x00"} }), 422},
		"patch to nul":              {http.MethodPatch, issuesPath + "/sound", []byte(`{"spec":{"title":"\u0000"}}`), 422},
		"dry run of what":           {http.MethodPost, issuesPath + "?dryRun=x", withField(func(*v1alpha1.Issue) {}), 422},
		"field manager":             {http.MethodPost, issuesPath + "?fieldManager=a%00", withField(func(i *v1alpha1.Issue) { i.Name = "managed" }), 422},
		"report of nul":             {http.MethodPost, reportsPath, []byte(`{"apiVersion":"issues.kite.dev/v1alpha1","kind":"IssueReport","spec":{"issue":{"title":"\u0000"}}}`), 422},
		"group with nul":            {http.MethodGet, groupPath + "/issuegroups/a%00b", nil, 404},
		"group not in UTF-8":        {http.MethodGet, groupPath + "/issuegroups/a%ffb", nil, 404},
		"long group":                {http.MethodGet, groupPath + "/issuegroups/" + strings.Repeat("x", 1<<18), nil, 404},
		"groups by nul":             {http.MethodGet, groupPath + "/issuegroups?fieldSelector=metadata.name%3Da%00b", nil, 0},
		"groups by unknown field":   {http.MethodGet, groupPath + "/issuegroups?fieldSelector=spec.type%3Dbuild", nil, 400},
		"groups' token":             {http.MethodGet, clusterToken("issuegroups", `{"rv":"x","after":"a"}`), nil, 400},
		"groups of revision 0":      {http.MethodGet, clusterToken("issuegroups", `{"rv":"0","after":"a"}`), nil, 400},
		"groups of the future":      {http.MethodGet, clusterToken("issuegroups", `{"rv":"9000000000000000","after":"a"}`), nil, 410},
		"groups after nul":          {http.MethodGet, clusterToken("issuegroups", `{"after":"a\u0000b"}`), nil, 0},
		"report on nul":             {http.MethodPost, groupPath + "/issuegroupreports", []byte(`{"apiVersion":"issues.kite.dev/v1alpha1","kind":"IssueGroupReport","spec":{"groupKey":"\u0000"}}`), 422},
		"summary of nul":            {http.MethodGet, groupPath + "/namespaces/a%00b/issuesummaries/summary", nil, 400},
		"summary not in UTF-8":      {http.MethodGet, groupPath + "/namespaces/a%ffb/issuesummaries/summary", nil, 400},
		"summary of another name":   {http.MethodGet, groupPath + "/namespaces/a/issuesummaries/a%00b", nil, 404},
		"summaries of nul":          {http.MethodGet, groupPath + "/issuesummaries?fieldSelector=metadata.namespace%3Da%00b", nil, 400},
		"summaries' token":          {http.MethodGet, clusterToken("issuesummaries", `{"v":"meta.k8s.io/v1","rv":-1,"start":"a\u0000b"}`), nil, 400},
		"summaries' token to above": {http.MethodGet, clusterToken("issuesummaries", `{"v":"meta.k8s.io/v1","rv":-1,"start":"../a"}`), nil, 400},
		"visible issue with nul":    {http.MethodGet, groupPath + "/visibleissues/a.b%00", nil, 400},
		"visible issue of nul":      {http.MethodGet, groupPath + "/visibleissues/a%00.b", nil, 404},
		"visible issue of nobody":   {http.MethodGet, groupPath + "/visibleissues/.", nil, 404},
		"visible issues' token":     {http.MethodGet, clusterToken("visibleissues", `{"v":"meta.k8s.io/v1","rv":-1,"start":"a\u0000b/"}`), nil, 400},
		"visible from the future":   {http.MethodGet, clusterToken("visibleissues", `{"v":"meta.k8s.io/v1","rv":9000000000000000,"start":"a"}`), nil, 410},
		"report's time":             {http.MethodPost, reportsPath, []byte(`{"apiVersion":"issues.kite.dev/v1alpha1","kind":"IssueReport","spec":{"observedAt":"x"}}`), 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := rest.CopyConfig(cfg)
			if tc.method == http.MethodPatch {
				request.Wrap(func(next http.RoundTripper) http.RoundTripper { return mergePatch{next} })
			}
			code, answer, _ := Do(t.Context(), t, request, tc.method, tc.path, tc.body)
			require.NotZero(t, code, "the server hung up")
			if code == http.StatusOK {
				require.Zero(t, tc.code, "%.300s", answer)
				requireNoSecrets(t, answer)
				return
			}
			requireRefusal(t, code, answer, name)
			if tc.code != 0 {
				require.Equal(t, tc.code, code, "%.300s", answer)
			}
		})
	}
}

// addLabels makes an object that validation lets pass and storage does not.
func addLabels(issue *v1alpha1.Issue) {
	issue.Name, issue.Labels = "labelled", map[string]string{}
	for i := range 12_000 {
		issue.Labels[fmt.Sprintf("%d.%s", i, strings.Repeat("x", 40))] = strings.Repeat("y", 60)
	}
}

type mergePatch struct{ next http.RoundTripper }

func (m mergePatch) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Content-Type", "application/merge-patch+json")
	return m.next.RoundTrip(request)
}

// TestForgedTokenReadsNoOtherNamespace: the owner of one namespace makes up tokens
// that lead to another's.
func TestForgedTokenReadsNoOtherNamespace(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	for _, ns := range []string{"aaa", namespace, "zzz"} {
		issue := newIssueWithKind("of-" + ns)
		issue.Namespace = ns
		_, err := Client(t, cfg).IssuesV1alpha1().Issues(ns).Create(t.Context(), issue, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	for _, rv := range []string{"-1", "2", "3", "4"} {
		for _, start := range []string{"0", "../aaa/", "../aaa/of-aaa", "/../zzz", "of-", "", ".", "..", "../..", "/", "//", "zzz/of-zzz", `..\u0000`} {
			token := base64.RawURLEncoding.EncodeToString([]byte(`{"v":"meta.k8s.io/v1","rv":` + rv + `,"start":"` + start + `"}`))
			code, answer, _ := Do(t.Context(), t, cfg, http.MethodGet, issuesPath+"?limit=500&continue="+token, nil)
			if code != http.StatusOK {
				requireRefusal(t, code, answer, rv, start)
				continue
			}
			var list v1alpha1.IssueList
			require.NoError(t, json.Unmarshal(answer, &list))
			for i := range list.Items {
				require.Equal(t, namespace, list.Items[i].Namespace, "rv %s start %q", rv, start)
			}
		}
	}
}
