// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
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
	// namespaces selects those that are watched. Nil for all.
	namespaces labels.Selector
	// renew says that the spec changed since issues were reported: they may tell
	// something else now.
	renew bool

	// Of the goroutine of attach.
	source       *source
	registration cache.ResourceEventHandlerRegistration
	// leave lets what the source still tells go unheard.
	leave context.CancelFunc
	asked time.Time

	mu       sync.Mutex
	watching metav1.Condition
	// complete says that every object has been evaluated: what does not fail is gone.
	complete bool
	closed   bool
	objects  map[types.NamespacedName]*object
	problems map[string]*problem
	// broken are the objects of each namespace that could not be evaluated.
	broken map[string]int
	fault  *fault
}

// object is what was found out about a watched object: about 200 bytes.
type object struct {
	uid      types.UID
	findings []finding
	// broken says that the findings are those of before, or that there are none.
	broken bool
}

// finding is what was found out about a member of forEach, or about the whole object.
type finding struct {
	identity string
	verdict  issuemonitor.Verdict
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
	// issue is the name of the Active issue, once the cache has it. Empty when it was
	// found out why the issue is not Active any longer.
	issue string
	// renewed says that it was told after the monitor's last change.
	renewed bool
	// recovered is when none was seen to fail, or when the last successful run ended.
	recovered time.Time
	// sent is when the newest run ended whose failure was told.
	sent map[types.UID]bool
	// scopeDeleted says that the object went that the issue is about.
	scopeDeleted bool
}

// fault is the newest error.
type fault struct {
	issuesv1alpha1.MonitorError
	// identity of the problem whose report was refused.
	identity string
}

func (w *watcher) isRun() bool { return w.spec.Mode == issuesv1alpha1.ModeRun }

// watches says whether objects of a namespace are reported.
func (w *watcher) watches(namespace string) bool {
	return namespace != issuemonitor.UnwatchedNamespace && w.c.selects(w.namespaces, namespace)
}

// apply replaces what is known of an object, and returns the tasks that follow. Deleted
// objects have no next.
func (w *watcher) apply(key types.NamespacedName, next *object, fields []issuesv1alpha1.ReportedIssue, deleted bool) []task {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	touched := map[string]bool{}
	if last := w.objects[key]; last != nil {
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

func (w *watcher) drop(key types.NamespacedName, last *object, deleted bool, touched map[string]bool) {
	if last.broken {
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
	if next.broken {
		w.broken[key.Namespace]++
	}
	for item := range next.findings {
		f := &next.findings[item]
		f.first = !w.complete
		f.mending = f.mending || f.first
		p := w.problems[f.identity]
		if p == nil {
			p = &problem{namespace: key.Namespace, fields: fields[item], members: map[member]*finding{}, sent: map[types.UID]bool{}}
			w.problems[f.identity] = p
		}
		p.fields.Scope.UID, p.scopeDeleted = fields[item].Scope.UID, false
		p.members[member{key, item}] = f
		touched[f.identity] = true
	}
}
