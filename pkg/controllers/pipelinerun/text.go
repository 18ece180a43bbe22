// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// Limits of the API: characters of a title, bytes of the rest.
const (
	maxTitle       = 256
	maxDescription = 32 << 10
	maxKey         = 253
	maxCause       = 128
	maxURL         = 2048
)

// A description names this many failed tasks, with this many bytes of each
// message.
const (
	maxTasks   = 10
	maxMessage = 2 << 10
)

// outcome is everything that the text of a failure says.
type outcome struct {
	verdict verdict
	run     string
	reason  string
	message string
	tasks   []failedTask
	// log is for rules, and no part of the text.
	log string
}

// withoutMessages keeps what Tekton itself says: names, reasons, exit codes. Messages can
// repeat parameters.
func (o *outcome) withoutMessages() {
	o.message = ""
	for i := range o.tasks {
		o.tasks[i].message = ""
	}
}

// titleOf is the same for every run that fails in the same way, so that an
// issue's title changes only when its problem does.
func titleOf(issue *issuesv1alpha1.ReportedIssue, scenario string, pullRequest string, o *outcome) string {
	title := subject(issue, scenario) + " " + happened(o.verdict)
	if pullRequest != "" {
		title += " in pull request " + pullRequest
	}
	if detail := detailOf(o); detail != "" {
		title += ": " + detail
	}
	return cutRunes(oneLine(title), maxTitle)
}

func subject(issue *issuesv1alpha1.ReportedIssue, scenario string) string {
	kind, name := strings.ToLower(issue.Scope.Kind), issue.Scope.Name
	if issue.Type == issuesv1alpha1.TypePipeline && kind != "component" {
		return issue.Scope.Kind + " " + name
	}
	if issue.Type == issuesv1alpha1.TypeDependency {
		return fmt.Sprintf("Dependency update of %s %s", kind, name)
	}
	noun := strings.ToUpper(issue.Type[:1]) + issue.Type[1:]
	if scenario != "" {
		noun += " " + scenario
	}
	return fmt.Sprintf("%s of %s %s", noun, kind, name)
}

func happened(v verdict) string {
	switch v {
	case timedOut:
		return "timed out"
	case neverRan:
		return "never ran"
	case stuck:
		return "does not start"
	default:
		return "failed"
	}
}

func detailOf(o *outcome) string {
	named := o.byTask() || o.verdict == timedOut && len(o.tasks) > 0
	if o.verdict == stuck || !named {
		return o.reason
	}
	return taskDetail(&o.tasks[0])
}

// byTask says whether a task made the run fail. Tekton also ends a run that it cannot go
// on with, above all because it may not create the next task, and stops the tasks that
// still run.
func (o *outcome) byTask() bool {
	return len(o.tasks) > 0 && (!o.tasks[0].stopped || o.reason == tektonv1.PipelineRunReasonFailed.String())
}

func taskDetail(task *failedTask) string {
	if task.stopped {
		return fmt.Sprintf("task %s did not finish", task.name)
	}
	if task.step != nil && task.step.interrupted {
		return fmt.Sprintf("task %s, step %s did not finish (%s)", task.name, task.step.name, task.reason)
	}
	if task.step == nil {
		return fmt.Sprintf("task %s, %s", task.name, task.reason)
	}
	detail := fmt.Sprintf("task %s, step %s exited with code %d", task.name, task.step.name, task.step.exitCode)
	if reason := task.step.reason; reason != "" && reason != "Error" {
		detail += " (" + reason + ")"
	}
	return detail
}

func descriptionOf(o *outcome) string {
	var text strings.Builder
	fmt.Fprintf(&text, "PipelineRun %s %s: %s", o.run, happened(o.verdict), o.reason)
	writeMessage(&text, o.message)
	for i := range o.tasks {
		if i == maxTasks {
			fmt.Fprintf(&text, "\n\n%d more tasks failed.", len(o.tasks)-maxTasks)
			break
		}
		task := &o.tasks[i]
		fmt.Fprintf(&text, "\n\nTask %s (TaskRun %s): %s", task.name, task.taskRun, task.reason)
		if task.step != nil && !task.step.interrupted {
			fmt.Fprintf(&text, "\nStep %s exited with code %d", task.step.name, task.step.exitCode)
		}
		writeMessage(&text, task.message)
	}
	return cutBytes(printable(text.String()), maxDescription)
}

func writeMessage(text *strings.Builder, message string) {
	if message != "" {
		text.WriteString("\n" + messageText(message))
	}
}

// messageText is what is kept of a message, without credentials: messages repeat
// parameters, and what a program printed. To keep it again changes nothing.
func messageText(message string) string {
	return strings.TrimSpace(cutBytes(redact(printable(strings.TrimSpace(message))), maxMessage))
}

var camelCase = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)

// causeOf is the most telling reason that is fit for a machine, or empty.
func causeOf(o *outcome) string {
	cause := o.reason
	if o.verdict == failed && o.byTask() {
		cause = o.tasks[0].reason
	}
	if len(cause) > maxCause || !camelCase.MatchString(cause) {
		return ""
	}
	return cause
}

// printable replaces what the API refuses in a text.
func printable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// oneLine replaces what the API refuses in a title and a key.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, printable(s))
}

func cutRunes(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

// cutBytes never leaves half a character.
func cutBytes(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
