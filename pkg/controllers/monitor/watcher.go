// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/issuemonitor"
)

// watcher acts on one monitor for as long as its spec stays the same.
type watcher struct {
	c          *Controller
	key        types.NamespacedName
	uid        types.UID
	generation int64
	spec       *issuesv1alpha1.IssueMonitorSpec
	compiled   *issuemonitor.Monitor
	// invalid is why the monitor cannot be used.
	invalid error
	// namespaces selects those that are watched. Nil for all.
	namespaces labels.Selector
	// renew says that the spec changed since issues were reported: they may tell
	// something else now.
	renew bool
	// applied is the generation of the spec by which every Active issue was told.
	applied int64

	// Of the goroutine of attach. Others read source with mu.
	source       *source
	registration cache.ResourceEventHandlerRegistration
	asked        time.Time

	mu       sync.Mutex
	watching metav1.Condition
	// complete says that every object has been evaluated: what does not fail is gone.
	complete bool
	objects  map[types.NamespacedName]*object
	problems map[string]*problem
	// broken are the objects of each namespace that could not be evaluated.
	broken map[string]int
}

// object is what was found out about a watched object: about 200 bytes.
type object struct {
	uid      types.UID
	findings []finding
	// fault is why it could not be evaluated: the findings are those of before, or there
	// are none.
	fault *issuesv1alpha1.MonitorError
}

// finding is what was found out about a member of forEach, or about the whole object.
type finding struct {
	identity string
	// about is the UID of what an issue is about, if that is known.
	about   types.UID
	verdict issuemonitor.Verdict
	// at is when it came to be so by the object's own account; zero if it does not say.
	at time.Time
	// seen is since when it has been seen so.
	seen time.Time
	// mending says that the same object failed before, or may have while nobody looked, and
	// has recovered since seen.
	mending bool
	// first says that it was so when the monitor began to be watched: it may have been
	// reported before.
	first bool
	// told says that this failure of a run was told.
	told bool
}

// since is when it came to be so.
func (f *finding) since() time.Time {
	if f.at.IsZero() {
		return f.seen
	}
	return f.at
}

// member is a finding of an object by its place in forEach.
type member struct {
	object types.NamespacedName
	item   int
}

// problem is what objects of one identity have, or had.
type problem struct {
	namespace string
	// fields are those of the identity.
	fields  issuesv1alpha1.ReportedIssue
	members map[member]*finding
	// reported says that its failure was told, and its recovery was not.
	reported bool
	// about is the UID of what the failure that was told is about.
	about types.UID
	// issue is the name of the Active issue, once the cache has it. Empty when it was
	// found out why the issue is not Active any longer.
	issue string
	// recovered is when none was seen to fail, or when the last successful run ended.
	recovered time.Time
	// scopeDeleted says that the object went that the issue is about.
	scopeDeleted bool
	// fault is why it cannot be told, for the monitor's author to mend.
	fault *issuesv1alpha1.MonitorError
}

func (w *watcher) isRun() bool { return w.spec.Mode == issuesv1alpha1.ModeRun }

// watches says whether objects of a namespace are reported.
func (w *watcher) watches(namespace string) bool {
	return namespace != issuemonitor.UnwatchedNamespace && w.c.selects(w.namespaces, namespace)
}

// apply replaces what is known of an object, and returns the tasks that follow. Objects that
// are deleted or not watched have no next. Of a source that was left nothing is known.
func (w *watcher) apply(
	source *source, key types.NamespacedName, next *object, fields []issuesv1alpha1.ReportedIssue, deleted bool,
) []task {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.source != source {
		return nil
	}
	touched := map[string]bool{}
	if last := w.objects[key]; last != nil {
		next.carryOver(last)
		w.drop(key, last, deleted, touched)
	}
	delete(w.objects, key)
	if next != nil {
		w.objects[key] = next
		w.enter(key, next, fields, touched)
	}
	tasks := make([]task, 0, len(touched))
	for identity := range touched {
		tasks = append(tasks, problemTask(w.key, key.Namespace, identity))
	}
	return tasks
}

// carryOver keeps since when the same object has been seen as it is, and each of its members
// of one identity in their order.
func (o *object) carryOver(last *object) {
	if o == nil || o.uid != last.uid {
		return
	}
	before := make(map[string][]finding, len(last.findings))
	for _, b := range last.findings {
		before[b.identity] = append(before[b.identity], b)
	}
	for i := range o.findings {
		f := &o.findings[i]
		rest := before[f.identity]
		if len(rest) == 0 {
			continue
		}
		b := rest[0]
		before[f.identity] = rest[1:]
		if b.verdict != f.verdict {
			f.mending = b.mending || b.verdict == issuemonitor.Failing
			continue
		}
		f.seen, f.mending, f.told = b.seen, b.mending, b.told && b.at.Equal(f.at)
	}
}

func (w *watcher) drop(key types.NamespacedName, last *object, deleted bool, touched map[string]bool) {
	if last.fault != nil {
		if w.broken[key.Namespace]--; w.broken[key.Namespace] == 0 {
			delete(w.broken, key.Namespace)
		}
	}
	for item := range last.findings {
		identity := last.findings[item].identity
		p := w.problems[identity]
		delete(p.members, member{key, item})
		p.scopeDeleted = deleted && p.fields.Scope.UID == last.uid
		touched[identity] = true
	}
}

func (w *watcher) enter(key types.NamespacedName, next *object, fields []issuesv1alpha1.ReportedIssue, touched map[string]bool) {
	if next.fault != nil {
		w.broken[key.Namespace]++
	}
	for item := range next.findings {
		f := &next.findings[item]
		f.first = !w.complete
		f.mending = f.mending || f.first
		p := w.problems[f.identity]
		if p == nil {
			p = &problem{namespace: key.Namespace, fields: fields[item], members: map[member]*finding{}}
			w.problems[f.identity] = p
		}
		p.fields.Scope.UID, p.scopeDeleted = fields[item].Scope.UID, false
		p.members[member{key, item}] = f
		touched[f.identity] = true
	}
}
