// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/test/bench/workload"
)

// ask makes one request. What it returns, check can tell right from wrong.
type ask func(ctx context.Context) ([]byte, error)

// question is a kind of request.
type question struct {
	name string
	// prepare makes the request that comes next; what this takes is not measured.
	prepare func(ctx context.Context, s *spot) (ask, error)
	// check looks at the first answer.
	check func(answer []byte) error
}

// spot is one namespace that a taker asks about, for the nth time.
type spot struct {
	*taker
	namespace, n int
}

func (s *spot) name() string { return s.world.Namespace(s.namespace) }

func (s *spot) get(path string, query url.Values) ask {
	return func(ctx context.Context) ([]byte, error) {
		request := s.client.Get().AbsPath("/apis/issues.kite.dev/v1alpha1/" + path)
		for key, values := range query {
			request.Param(key, values[0])
		}
		return request.DoRaw(ctx)
	}
}

func (s *spot) issues() string { return "namespaces/" + s.name() + "/issues" }

// list is a question for a list of issues of one namespace, of which so many are expected.
func list(name string, want int, pairs ...string) question {
	return question{
		name: name, check: hasItems(want),
		prepare: func(_ context.Context, s *spot) (ask, error) { return s.get(s.issues(), values(pairs...)), nil },
	}
}

func values(pairs ...string) url.Values {
	out := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		out.Set(pairs[i], pairs[i+1])
	}
	return out
}

// hasItems wants a list of so many items; of at least one for a negative number.
func hasItems(want int) func([]byte) error {
	return func(answer []byte) error {
		var list metav1.PartialObjectMetadataList
		if err := json.Unmarshal(answer, &list); err != nil {
			return err
		}
		if n := len(list.Items); n != want && (want >= 0 || n == 0) {
			return fmt.Errorf("want %d items, got %d", want, n)
		}
		return nil
	}
}

func contains(text string) func([]byte) error {
	return func(answer []byte) error {
		if !strings.Contains(string(answer), text) {
			return fmt.Errorf("want %s in %s", text, answer)
		}
		return nil
	}
}

// secondPage goes on at the revision of a first one.
func secondPage(ctx context.Context, s *spot) (ask, error) {
	first, err := s.get(s.issues(), values("limit", "500"))(ctx)
	if err != nil {
		return nil, err
	}
	var list metav1.PartialObjectMetadataList
	if err := json.Unmarshal(first, &list); err != nil {
		return nil, err
	}
	if list.Continue == "" {
		return nil, errors.New("the first page is the last one")
	}
	return s.get(s.issues(), values("limit", "500", "continue", list.Continue)), nil
}

func getIssue(_ context.Context, s *spot) (ask, error) {
	obj := s.world.Issue(s.world.Number(s.namespace, s.n*37%workload.PerNamespace))
	return s.get(s.issues()+"/"+obj.Name, nil), nil
}

// report tells of one more run that failed as an Active issue says.
func report(_ context.Context, s *spot) (ask, error) {
	n := s.n * 10 % workload.PerNamespace
	report := s.world.Failure(s.world.Number(s.namespace, n))
	at := metav1.NowMicro()
	report.Spec.ObservedAt = &at
	report.Spec.Run.UID = types.UID("again-" + strconv.FormatInt(at.UnixNano(), 36))
	report.Spec.Run.Name = string(report.Spec.Run.UID)
	body, err := json.Marshal(report)
	return func(ctx context.Context) ([]byte, error) {
		return s.client.Post().AbsPath("/apis/issues.kite.dev/v1alpha1/namespaces/"+s.name()+"/issuereports").
			Body(body).SetHeader("Content-Type", "application/json").DoRaw(ctx)
	}, err
}

// questions are those of which a large population may cost little more than a small one.
func questions() []question {
	active := v1alpha1.FieldState + "=Active,"
	return []question{
		list("list-500", 500, "limit", "500"),
		list("list-fields", -1, "limit", "500", "fieldSelector", active+v1alpha1.FieldSeverity+"=major"),
		list("search", -1, "limit", "500", "fieldSelector", v1alpha1.FieldSearch+"="+workload.FrequentText),
		{name: "page-2-exact", prepare: secondPage, check: hasItems(500)},
		{name: "watch-first-event", prepare: watchUntil(isFirst), check: contains(`"ADDED"`)},
		{name: "watch-initial-events", prepare: watchUntil(isBookmark), check: contains(`"BOOKMARK"`)},
		{name: "get", prepare: getIssue, check: contains(`"Issue"`)},
		{name: "report", prepare: report, check: contains(`"Updated"`)},
		{name: "summary", check: contains(`"IssueSummary"`), prepare: func(_ context.Context, s *spot) (ask, error) {
			return s.get("namespaces/"+s.name()+"/issuesummaries/summary", nil), nil
		}},
		{name: "group", check: contains(`"IssueGroup"`), prepare: func(_ context.Context, s *spot) (ask, error) {
			return s.get("issuegroups/"+workload.OwnGroup(s.namespace), nil), nil
		}},
	}
}

// wideQuestions are over all namespaces: they cost what they read.
func wideQuestions() []question {
	wide := func(name, path string, check func([]byte) error, pairs ...string) question {
		return question{name: name, check: check, prepare: func(_ context.Context, s *spot) (ask, error) {
			return s.get(path, values(pairs...)), nil
		}}
	}
	search := v1alpha1.FieldSearch + "="
	return []question{
		wide("list-500", "issues", hasItems(500), "limit", "500"),
		wide("list-fields", "issues", hasItems(-1), "limit", "500",
			"fieldSelector", v1alpha1.FieldState+"=Active,"+v1alpha1.FieldSeverity+"=critical"),
		wide("search-frequent", "issues", hasItems(-1), "limit", "500", "fieldSelector", search+workload.FrequentText),
		wide("search-rare", "issues", hasItems(-1), "limit", "500", "fieldSelector", search+workload.RareText),
		wide("search-none", "issues", hasItems(0), "limit", "500", "fieldSelector", search+workload.NoText),
		wide("group-of-all", "issuegroups/"+workload.SharedGroup, contains(`"IssueGroup"`)),
		wide("groups-500", "issuegroups", hasItems(-1), "limit", "500"),
		wide("summaries", "issuesummaries", hasItems(-1)),
	}
}
