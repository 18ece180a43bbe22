// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
	"kite.dev/kite/test/pgtest"
)

// Tokens of senders: one may report and nothing else, one may do all, one may do nothing.
const (
	reporterToken = "reporter-token"
	editorToken   = "editor-token"
	strangerToken = "stranger-token"
)

var senders = map[string]string{reporterToken: "reporter", editorToken: "controller", strangerToken: "stranger"}

// reporters are producers, but not the stranger.
var reporters = authorizer.AuthorizerFunc(func(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	if a.GetUser().GetName() == "stranger" {
		return authorizer.DecisionNoOpinion, "", nil
	}
	return producers.Authorize(ctx, a)
})

// kiteWorld is two servers of one database, each with a gateway before it. A behaviour has
// a namespace of its own.
type kiteWorld struct {
	*testing.T

	namespace string
	gateways  []*Gateway
	client    issuesclient.IssuesV1alpha1Interface
}

func (w *kiteWorld) post(webhook, body string) (int, map[string]any) {
	w.Helper()
	body = strings.ReplaceAll(body, "NS", w.namespace)
	return w.gateways[0].Post(w, reporterToken, "/api/v1/webhooks/"+webhook+"/?namespace="+w.namespace, body)
}

// fails reports a pipeline's failure.
func (w *kiteWorld) fails(pipeline string, more ...string) map[string]any {
	w.Helper()
	code, answer := w.post("pipeline-failure",
		fmt.Sprintf(`{"pipelineName":%q,"namespace":"NS","failureReason":"task run timed out"%s}`, pipeline, strings.Join(more, "")))
	require.Equal(w, http.StatusCreated, code, answer)
	return answer["issue"].(map[string]any)
}

func (w *kiteWorld) succeeds(pipeline string) string {
	w.Helper()
	code, answer := w.post("pipeline-success", fmt.Sprintf(`{"pipelineName":%q,"namespace":"NS"}`, pipeline))
	require.Equal(w, http.StatusOK, code, answer)
	require.Equal(w, "success", answer["status"])
	return answer["message"].(string)
}

func (w *kiteWorld) issues() issuesclient.IssueInterface { return w.client.Issues(w.namespace) }

func (w *kiteWorld) create(name string, edits ...func(*v1alpha1.IssueSpec)) *v1alpha1.Issue {
	w.Helper()
	issue := newIssue(name)
	issue.Namespace = w.namespace
	for _, edit := range edits {
		edit(&issue.Spec)
	}
	created, err := w.issues().Create(w.Context(), issue, metav1.CreateOptions{})
	require.NoError(w, err)
	return created
}

func (w *kiteWorld) list(selector string) []v1alpha1.Issue {
	w.Helper()
	list, err := w.issues().List(w.Context(), metav1.ListOptions{FieldSelector: selector})
	require.NoError(w, err)
	return list.Items
}

func (w *kiteWorld) only() *v1alpha1.Issue {
	w.Helper()
	all := w.list("")
	require.Len(w, all, 1)
	return &all[0]
}

// request sends one request to the API as a program without our clients would.
func (w *kiteWorld) request(method, path, body string) (int, map[string]any) {
	w.Helper()
	raw := w.client.RESTClient().Verb(method).AbsPath("/apis/issues.kite.dev/v1alpha1/namespaces/"+w.namespace+"/"+path).
		SetHeader("Content-Type", "application/json").Body([]byte(body)).Do(w.Context())
	code, answer := 0, map[string]any{}
	data, _ := raw.StatusCode(&code).Raw()
	require.NoError(w, json.Unmarshal(data, &answer), string(data))
	return code, answer
}

// behaviour is one that KITE's tests assert.
type behaviour struct {
	number int
	what   string
	// forbidden says which part of it Kite does not do, and why.
	forbidden string
	replay    func(*kiteWorld)
}

func ofSeverity(severity v1alpha1.IssueSeverity) func(*v1alpha1.IssueSpec) {
	return func(s *v1alpha1.IssueSpec) { s.Severity = severity }
}

func ofType(kind string) func(*v1alpha1.IssueSpec) {
	return func(s *v1alpha1.IssueSpec) { s.Type = kind }
}

// ofPipeline gives the scope that KITE calls a pipelinerun.
func ofPipeline(name string) func(*v1alpha1.IssueSpec) {
	return func(s *v1alpha1.IssueSpec) {
		s.Scope = v1alpha1.IssueScope{APIGroup: "tekton.dev", Kind: "Pipeline", Name: name}
	}
}

var kiteBehaviours = []behaviour{
	{1, "create stores one issue with the given fields", "", func(w *kiteWorld) {
		w.create("frontend", ofSeverity(v1alpha1.SeverityCritical))
		stored := w.only()
		require.Equal(w, "Build of frontend fails", stored.Spec.Title)
		require.Equal(w, v1alpha1.SeverityCritical, stored.Spec.Severity)
	}},
	{2, "find by ID; an unknown one is not found", "", func(w *kiteWorld) {
		created := w.create("frontend")
		found, err := w.issues().Get(w.Context(), "frontend", metav1.GetOptions{})
		require.NoError(w, err)
		require.Equal(w, created.UID, found.UID)
		_, err = w.issues().Get(w.Context(), "unknown", metav1.GetOptions{})
		require.True(w, apierrors.IsNotFound(err), err)
	}},
	{3, "a namespace has its own issues only", "", func(w *kiteWorld) {
		w.create("one")
		w.create("two")
		other := newIssue("three")
		other.Namespace = w.namespace + "-other"
		_, err := w.client.Issues(other.Namespace).Create(w.Context(), other, metav1.CreateOptions{})
		require.NoError(w, err)
		require.Len(w, w.list(""), 2)
	}},
	{4, "the same payload finds the same issue, and nothing in an empty store", "", func(w *kiteWorld) {
		require.Equal(w, "Resolved 0 issue(s) for pipeline p", w.succeeds("p"))
		require.Empty(w, w.list(""))
		first := w.fails("p")
		require.Equal(w, first["id"], w.fails("p")["id"])
	}},
	{5, "update changes the title only", "", func(w *kiteWorld) {
		created := w.create("frontend")
		patched, err := w.issues().Patch(w.Context(), "frontend", types.MergePatchType, []byte(`{"spec":{"title":"Other"}}`), metav1.PatchOptions{})
		require.NoError(w, err)
		created.Spec.Title = "Other"
		require.Equal(w, created.Spec, patched.Spec)
		require.Equal(w, created.UID, patched.UID)
	}},
	{6, "delete removes the issue with its links", "", func(w *kiteWorld) {
		w.create("frontend", func(s *v1alpha1.IssueSpec) {
			s.Links = []v1alpha1.IssueLink{{Title: "a", URL: "https://a"}, {Title: "b", URL: "https://b"}}
		})
		require.NoError(w, w.issues().Delete(w.Context(), "frontend", metav1.DeleteOptions{}))
		require.Empty(w, w.list(""))
	}},
	{7, "ten at once make one issue", "", func(w *kiteWorld) {
		ids := make([]any, 10)
		var group sync.WaitGroup
		for i := range ids {
			group.Go(func() {
				code, answer := w.gateways[i%2].Post(w, reporterToken, "/api/v1/webhooks/pipeline-failure",
					fmt.Sprintf(`{"pipelineName":"p","namespace":%q,"failureReason":"x","runId":"run-%d"}`, w.namespace, i))
				if code == http.StatusCreated {
					ids[i] = answer["issue"].(map[string]any)["id"]
				}
			})
		}
		group.Wait()
		stored := w.only()
		for _, id := range ids {
			require.Equal(w, string(stored.UID), id)
		}
		require.Equal(w, int32(10), stored.Status.Occurrences, "and none is lost")
	}},
	{8, "filters that are joined", "", func(w *kiteWorld) {
		w.create("frontend", ofSeverity(v1alpha1.SeverityCritical), func(s *v1alpha1.IssueSpec) { s.Application = "kite-08" })
		w.create("backend", ofType(v1alpha1.TypeTest))
		require.Len(w, w.list("search=frontend,spec.scope.kind=Component"), 1)
		other := newIssue("frontend")
		other.Namespace, other.Spec.Severity, other.Spec.Application = w.namespace+"-other", v1alpha1.SeverityCritical, "kite-08"
		_, err := w.client.Issues(other.Namespace).Create(w.Context(), other, metav1.CreateOptions{})
		require.NoError(w, err)
		all, err := w.client.Issues("").List(w.Context(), metav1.ListOptions{
			FieldSelector: "spec.severity=critical,spec.type=build,spec.application=kite-08",
		})
		require.NoError(w, err)
		require.Len(w, all.Items, 2, "of two namespaces")
		require.Empty(w, w.list("spec.severity=info"))
	}},
	{
		9, "resolving a scope resolves issues of every type",
		"issues.md, Identity: a webhook's success resolves its own problem; every type of a scope is resolved only by a report with allTypes, " +
			"which needs the right to update issues/status",
		func(w *kiteWorld) {
			w.fails("p")
			w.fails("second")
			w.create("test", ofPipeline("p"), ofType(v1alpha1.TypeTest))
			require.Equal(w, "Resolved 1 issue(s) for pipeline p", w.succeeds("p"))
			require.Len(w, w.list("status.state=Active,spec.type=test"), 1)
			w.fails("p")
			now := metav1.NowMicro()
			widened := &v1alpha1.IssueReport{Spec: v1alpha1.IssueReportSpec{
				Outcome: v1alpha1.OutcomeSucceeded, ObservedAt: &now, AllTypes: true, AllKeys: true,
				Issue: v1alpha1.ReportedIssue{Scope: v1alpha1.IssueScope{APIGroup: "tekton.dev", Kind: "Pipeline", Name: "p"}},
			}}
			answer, err := w.client.IssueReports(w.namespace).Create(w.Context(), widened, metav1.CreateOptions{})
			require.NoError(w, err)
			require.Len(w, answer.Status.Issues, 2)
			require.Len(w, w.list("status.state=Active"), 1)
			require.Equal(w, "Resolved 1 issue(s) for pipeline second", w.succeeds("second"))
			require.Empty(w, w.list("status.state=Active"))
			require.Equal(w, "Resolved 0 issue(s) for pipeline unknown", w.succeeds("unknown"))
		},
	},
	{
		10, "a second creation, or report, of a problem updates its issue",
		"issues.md, Identity: a second Active issue of one identity is a conflict, which names the first; reports update",
		func(w *kiteWorld) {
			first := w.fails("p")
			second := w.fails("p", `,"severity":"critical"`)
			require.Equal(w, first["id"], second["id"])
			require.Equal(w, "critical", second["severity"])
			stored := w.only()
			require.Equal(w, v1alpha1.SeverityCritical, stored.Spec.Severity)
			again := newIssue("again")
			again.Namespace = w.namespace
			again.Spec.Type, again.Spec.Scope, again.Spec.Title = stored.Spec.Type, stored.Spec.Scope, "Other"
			_, err := w.issues().Create(w.Context(), again, metav1.CreateOptions{})
			require.True(w, apierrors.IsConflict(err), err)
			var refused *apierrors.StatusError
			require.ErrorAs(w, err, &refused)
			require.Equal(w, stored.Name, refused.ErrStatus.Details.Name)
			require.Equal(w, stored.Spec, w.only().Spec)
		},
	},
	{11, "without a scope's namespace it is the issue's, without a state it is Active", "", func(w *kiteWorld) {
		created := w.create("frontend")
		require.Equal(w, w.namespace, created.Spec.Scope.Namespace)
		require.Equal(w, v1alpha1.StateActive, created.Status.State)
	}},
	{12, "each filter, and pages", "webhooks-kite.md, What differs: an offset is a continue token here", func(w *kiteWorld) {
		w.create("frontend", ofSeverity(v1alpha1.SeverityCritical))
		w.create("regression", ofType(v1alpha1.TypeTest))
		for selector, want := range map[string]int{
			"spec.severity=critical": 1, "spec.type=test": 1, "status.state=Active": 2,
			"spec.scope.kind=Component,spec.scope.name=frontend": 1, "search=regression": 1,
		} {
			require.Len(w, w.list(selector), want, selector)
		}
		first, err := w.issues().List(w.Context(), metav1.ListOptions{Limit: 1})
		require.NoError(w, err)
		require.Len(w, first.Items, 1)
		require.Equal(w, int64(1), *first.RemainingItemCount)
		second, err := w.issues().List(w.Context(), metav1.ListOptions{Limit: 1, Continue: first.Continue})
		require.NoError(w, err)
		require.Len(w, second.Items, 1)
		require.Empty(w, second.Continue)
		require.NotEqual(w, first.Items[0].Name, second.Items[0].Name)
	}},
	{13, "what is not there cannot be updated or deleted", "", func(w *kiteWorld) {
		_, err := w.issues().Patch(w.Context(), "unknown", types.MergePatchType, []byte(`{"spec":{"title":"x"}}`), metav1.PatchOptions{})
		require.True(w, apierrors.IsNotFound(err), err)
		require.True(w, apierrors.IsNotFound(w.issues().Delete(w.Context(), "unknown", metav1.DeleteOptions{})))
	}},
	{
		14, "update replaces links, scope and namespace",
		"issues.md, Identity: the scope is immutable, and an object never moves into another namespace",
		func(w *kiteWorld) {
			w.create("frontend", func(s *v1alpha1.IssueSpec) { s.Links = []v1alpha1.IssueLink{{Title: "Old", URL: "https://old"}} })
			patch := func(body string) (*v1alpha1.Issue, error) {
				return w.issues().Patch(w.Context(), "frontend", types.MergePatchType, []byte(body), metav1.PatchOptions{})
			}
			updated, err := patch(`{"spec":{"links":[{"title":"New Link","url":"https://new"}]}}`)
			require.NoError(w, err)
			require.Len(w, updated.Spec.Links, 1)
			require.Equal(w, "New Link", updated.Spec.Links[0].Title)
			_, err = patch(`{"spec":{"scope":{"name":"other"}}}`)
			require.True(w, apierrors.IsInvalid(err), err)
			_, err = patch(`{"metadata":{"namespace":"other"}}`)
			require.Error(w, err)
		},
	},
	{
		15, "resolving says when and by whom",
		"issues.md, Issue: time and user are the server's, no client can give them",
		func(w *kiteWorld) {
			w.create("frontend")
			resolved, err := w.issues().Resolve(w.Context(), "frontend", &v1alpha1.IssueResolution{}, metav1.CreateOptions{})
			require.NoError(w, err)
			require.Equal(w, v1alpha1.StateResolved, resolved.Status.State)
			require.NotEmpty(w, resolved.Status.ResolvedBy)
			require.NotNil(w, resolved.Status.ResolvedAt)
			forged := resolved.DeepCopy()
			forged.Status.ResolvedAt = &metav1.MicroTime{Time: time.Unix(1, 0)}
			stored, err := w.issues().UpdateStatus(w.Context(), forged, metav1.UpdateOptions{})
			require.NoError(w, err)
			require.True(w, stored.Status.ResolvedAt.Equal(resolved.Status.ResolvedAt))
		},
	},
	{
		16, "delete removes relations",
		"webhooks-kite.md, What differs: a relation goes with the issue that has it, and stays when the other one goes",
		func(w *kiteWorld) {
			related := func(s *v1alpha1.IssueSpec) { s.RelatedIssues = relatedTo("", "cause") }
			w.create("cause")
			kept := w.create("effect", related)
			w.create("second", related)
			require.NoError(w, w.issues().Delete(w.Context(), "second", metav1.DeleteOptions{}))
			require.Len(w, w.list(""), 2)
			require.NoError(w, w.issues().Delete(w.Context(), "cause", metav1.DeleteOptions{}))
			left := w.only()
			require.Equal(w, kept.Spec.RelatedIssues, left.Spec.RelatedIssues)
			require.Equal(w, kept.ResourceVersion, left.ResourceVersion, "it is not written")
		},
	},
	{17, "resolving by a report says when; of an unknown scope resolves nothing", "", func(w *kiteWorld) {
		w.fails("p")
		w.succeeds("p")
		require.NotNil(w, w.only().Status.ResolvedAt)
		require.Equal(w, "Resolved 0 issue(s) for pipeline q", w.succeeds("q"))
	}},
	{
		18, "relations are added once and removed once",
		"webhooks-kite.md, What differs: neither a relation to an issue that is not there is an error, nor a second removal",
		func(w *kiteWorld) {
			w.create("cause")
			w.create("effect")
			patch := func(related string) (*v1alpha1.Issue, error) {
				return w.issues().Patch(w.Context(), "effect", types.MergePatchType, []byte(`{"spec":{"relatedIssues":`+related+`}}`), metav1.PatchOptions{})
			}
			const once = `{"name":"cause","relation":"CausedBy"}`
			added, err := patch("[" + once + "]")
			require.NoError(w, err)
			require.Equal(w, "cause", added.Spec.RelatedIssues[0].Name)
			_, err = patch("[" + once + "," + once + "]")
			require.True(w, apierrors.IsInvalid(err), err)
			missing, err := patch(`[{"name":"absent","relation":"CausedBy"}]`)
			require.NoError(w, err)
			require.Equal(w, "absent", missing.Spec.RelatedIssues[0].Name)
			for range 2 {
				removed, err := patch("[]")
				require.NoError(w, err)
				require.Empty(w, removed.Spec.RelatedIssues)
			}
		},
	},
	{19, "GET lists", "", func(w *kiteWorld) {
		w.create("one")
		w.create("two")
		code, answer := w.request(http.MethodGet, "issues", "")
		require.Equal(w, http.StatusOK, code)
		require.Len(w, answer["items"], 2)
	}},
	{20, "GET one; 404 for an unknown one", "", func(w *kiteWorld) {
		w.create("frontend")
		code, _ := w.request(http.MethodGet, "issues/frontend", "")
		require.Equal(w, http.StatusOK, code)
		code, answer := w.request(http.MethodGet, "issues/unknown", "")
		require.Equal(w, http.StatusNotFound, code)
		require.Equal(w, "NotFound", answer["reason"])
	}},
	{21, "POST answers 201 with title and ID", "", func(w *kiteWorld) {
		issue := newIssueWithKind("frontend")
		issue.Namespace = w.namespace
		code, answer := w.request(http.MethodPost, "issues", string(mustJSON(w.T, issue)))
		require.Equal(w, http.StatusCreated, code)
		require.Equal(w, issue.Spec.Title, answer["spec"].(map[string]any)["title"])
		require.NotEmpty(w, answer["metadata"].(map[string]any)["uid"])
	}},
	{
		22, "POST without required fields is refused with 400 and an error",
		"issues.md, Bad input: the API answers 422 with every invalid field; webhooks answer 400",
		func(w *kiteWorld) {
			code, answer := w.request(http.MethodPost, "issues", `{"apiVersion":"issues.kite.dev/v1alpha1","kind":"Issue","metadata":{"name":"x"}}`)
			require.Equal(w, http.StatusUnprocessableEntity, code)
			require.NotEmpty(w, answer["message"])
			code, answer = w.post("pipeline-failure", `{"namespace":"NS"}`)
			require.Equal(w, http.StatusBadRequest, code)
			require.Equal(w, "Missing required fields", answer["error"])
			require.NotEmpty(w, answer["details"])
		},
	},
	{23, "DELETE answers 204 without body", "webhooks-kite.md, What differs: 200 with a Status", func(w *kiteWorld) {
		w.create("frontend")
		code, answer := w.request(http.MethodDelete, "issues/frontend", "")
		require.Equal(w, http.StatusOK, code)
		require.Equal(w, "Success", answer["status"])
	}},
	{24, "POST resolve answers with the resolved issue", "webhooks-kite.md, What differs: 201", func(w *kiteWorld) {
		w.create("frontend")
		code, answer := w.request(http.MethodPost, "issues/frontend/resolve", `{"apiVersion":"issues.kite.dev/v1alpha1","kind":"IssueResolution"}`)
		require.Equal(w, http.StatusCreated, code)
		require.Equal(w, "Resolved", answer["status"].(map[string]any)["state"])
	}},
	{
		25, "resolving records the user; nobody, where there is none",
		"issues.md, Whose rights: there is no request without a user",
		func(w *kiteWorld) {
			w.create("frontend")
			_, err := w.issues().Resolve(w.Context(), "frontend", &v1alpha1.IssueResolution{}, metav1.CreateOptions{})
			require.NoError(w, err)
			require.Equal(w, "system:apiserver", w.only().Status.ResolvedBy)
			code, answer := w.gateways[0].Post(w, "", "/api/v1/webhooks/pipeline-success", `{"pipelineName":"p","namespace":"`+w.namespace+`"}`)
			require.Equal(w, http.StatusUnauthorized, code)
			require.NotEmpty(w, answer["error"])
		},
	},
	{26, "webhook pipeline-failure", "webhooks-kite.md, What differs: without logsUrl there is a link only where the operator has set the address of logs", func(w *kiteWorld) {
		code, answer := w.post("pipeline-failure",
			`{"pipelineName":"pipeline-xyz","namespace":"NS","failureReason":"task run timed out","runId":"pipeline-xyz-123"}`)
		require.Equal(w, http.StatusCreated, code)
		require.Equal(w, "success", answer["status"])
		issue := answer["issue"].(map[string]any)
		require.Equal(w, "Pipeline run failed: pipeline-xyz", issue["title"])
		require.Equal(w, "The pipeline run pipeline-xyz failed with reason: task run timed out", issue["description"])
		require.Equal(w, "major", issue["severity"])
		require.Equal(w, "pipeline", issue["issueType"])
		require.Equal(w, "ACTIVE", issue["state"])
		require.Equal(w, w.namespace, issue["namespace"])
		scope := issue["scope"].(map[string]any)
		require.Equal(w, []any{"pipelinerun", "pipeline-xyz", w.namespace}, []any{scope["resourceType"], scope["resourceName"], scope["resourceNamespace"]})
		require.Equal(w, string(w.only().UID), issue["id"])
		require.Len(w, w.list("run.name=pipeline-xyz-123"), 1, "a CI system finds its run")
	}},
	{
		27, "webhook pipeline-success resolves two issues",
		"issues.md, Identity: a pipeline has one problem here, so one is resolved; that of a pull request is another one",
		func(w *kiteWorld) {
			w.fails("pipeline-xyz")
			w.create("pull-request", ofPipeline("pipeline-xyz"), ofType(v1alpha1.TypePipeline), func(s *v1alpha1.IssueSpec) {
				s.Stage, s.Key = v1alpha1.StagePullRequest, "42"
			})
			require.Equal(w, "Resolved 1 issue(s) for pipeline pipeline-xyz", w.succeeds("pipeline-xyz"))
			require.Equal(w, "Resolved 0 issue(s) for pipeline pipeline-xyz", w.succeeds("pipeline-xyz"), "nothing is resolved twice")
			require.Len(w, w.list("status.state=Active"), 1)
		},
	},
	{28, "webhook release-failure", "", func(w *kiteWorld) {
		code, answer := w.post("release-failure", `{"application":"fancy-app","namespace":"NS","failurePhase":"ManagedProcessing",`+
			`"release":"release-to-prod-123","pipelineRunUrl":"logs.com/managed-123"}`)
		require.Equal(w, http.StatusCreated, code)
		issue := answer["issue"].(map[string]any)
		require.Equal(w, "Release release-to-prod-123 failed for application fancy-app", issue["title"])
		require.Equal(w, "The release failed in phase: ManagedProcessing. Link to logs: logs.com/managed-123", issue["description"])
		require.Equal(w, "major", issue["severity"])
		require.Equal(w, "release", issue["issueType"])
		require.Equal(w, "application", issue["scope"].(map[string]any)["resourceType"])
		stored := w.only()
		require.Equal(w, "fancy-app", stored.Spec.Application)
		require.Equal(w, v1alpha1.StageRelease, stored.Spec.Stage)
	}},
	{
		29, "webhook release-success resolves two issues",
		"issues.md, Identity: a release does not resolve what is no release",
		func(w *kiteWorld) {
			for _, release := range []string{"one", "two"} {
				code, _ := w.post("release-failure", `{"application":"fancy-app","namespace":"NS","failurePhase":"x","release":"`+release+`"}`)
				require.Equal(w, http.StatusCreated, code)
			}
			require.Equal(w, int32(2), w.only().Status.Occurrences)
			w.create("build", func(s *v1alpha1.IssueSpec) {
				s.Scope = v1alpha1.IssueScope{APIGroup: "appstudio.redhat.com", Kind: "Application", Name: "fancy-app"}
				s.Stage = v1alpha1.StageRelease
			})
			code, answer := w.post("release-success", `{"application":"fancy-app","namespace":"NS"}`)
			require.Equal(w, http.StatusOK, code)
			require.Equal(w, "Resolved 1 issue(s) for application fancy-app", answer["message"])
			require.Equal(w, "build", w.list("status.state=Active")[0].Name)
		},
	},
}

// TestKiteReplay replays what KITE's own tests assert of storage, REST and webhooks: 29 of
// 36 behaviours. Those of its operator, 30 to 36, are replayed by
// pkg/controllers/pipelinerun.TestKiteReplay.
func TestKiteReplay(t *testing.T) {
	t.Parallel()
	pg := pgtest.Config(t)
	var gateways []*Gateway
	var client issuesclient.IssuesV1alpha1Interface
	for range 2 {
		cfg := StartServer(t, WithPostgres(pg), WithTokens(senders), WithAuthorizer(reporters))
		gateways = append(gateways, StartGateway(t, cfg))
		client = Client(t, cfg).IssuesV1alpha1()
	}
	require.Len(t, kiteBehaviours, 29)
	for i, b := range kiteBehaviours {
		require.Equal(t, i+1, b.number)
		t.Run(fmt.Sprintf("%02d %s", b.number, b.what), func(t *testing.T) {
			t.Parallel()
			if b.forbidden != "" {
				t.Log("different here: " + b.forbidden)
			}
			b.replay(&kiteWorld{T: t, namespace: fmt.Sprintf("kite-%02d", b.number), gateways: gateways, client: client})
		})
	}
}

// TestKiteFailRecoverFail: what KITE leaves resolved is open again.
func TestKiteFailRecoverFail(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t, WithTokens(senders), WithAuthorizer(reporters))
	w := &kiteWorld{T: t, namespace: namespace, gateways: []*Gateway{StartGateway(t, cfg)}, client: Client(t, cfg).IssuesV1alpha1()}
	first := w.fails("github.com/org/repo@main", `,"runId":"one"`)
	require.Equal(t, "Resolved 1 issue(s) for pipeline github.com/org/repo@main", w.succeeds("github.com/org/repo@main"))
	again := w.fails("github.com/org/repo@main", `,"runId":"two"`)
	require.Equal(t, first["id"], again["id"])
	require.Equal(t, "ACTIVE", again["state"])
	require.Equal(t, int32(1), w.only().Status.Reopened)
	repeated := w.fails("github.com/org/repo@main", `,"runId":"two"`)
	require.Equal(t, again["id"], repeated["id"])
	require.Equal(t, int32(2), w.only().Status.Occurrences, "a repeated request counts once")
}

// TestGatewayRights: RBAC decides by the sender's own token.
func TestGatewayRights(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t, WithTokens(senders), WithAuthorizer(reporters))
	g := StartGateway(t, cfg)
	const path, body = "/api/v1/webhooks/pipeline-failure", `{"pipelineName":"p","namespace":"` + namespace + `","failureReason":"x"}`
	for token, want := range map[string]int{
		"": http.StatusUnauthorized, "nobodys-token": http.StatusUnauthorized,
		strangerToken: http.StatusForbidden, reporterToken: http.StatusCreated, editorToken: http.StatusCreated,
	} {
		code, answer := g.Post(t, token, path, body)
		require.Equal(t, want, code, "%s: %v", token, answer)
	}
	list, err := Client(t, cfg).IssuesV1alpha1().Issues(namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	require.Contains(t, []string{"reporter", "controller"}, list.Items[0].Status.ReportedBy)
}

// TestGatewayOutage: while the database is away nothing is acknowledged, and a repeated
// request counts once.
func TestGatewayOutage(t *testing.T) {
	t.Parallel()
	pg := pgtest.Config(t)
	proxy, dsn := StartProxy(t, pg.DSN)
	pg.DSN = dsn
	cfg := StartServer(t, WithPostgres(pg), WithTokens(senders), WithAuthorizer(reporters))
	g := StartGateway(t, cfg)
	const body = `{"pipelineName":"p","namespace":"` + namespace + `","failureReason":"x","runId":"one"}`
	post := func() (int, http.Header) {
		code, _, header := g.Do(t, reporterToken, http.MethodPost, "/api/v1/webhooks/pipeline-failure", body)
		return code, header
	}
	proxy.Cut()
	code, header := post()
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.NotEmpty(t, header.Get("Retry-After"))
	proxy.Restore()
	require.Eventually(t, func() bool { code, _ := post(); return code == http.StatusCreated }, startTimeout, 50*time.Millisecond)
	code, _ = post()
	require.Equal(t, http.StatusCreated, code)
	list, err := Client(t, cfg).IssuesV1alpha1().Issues(namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	require.Equal(t, int32(1), list.Items[0].Status.Occurrences)
}
