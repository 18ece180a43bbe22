// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/expression"
)

const (
	// KindDelivery is the kind of a run that is nothing but a delivery with a key.
	KindDelivery = "Delivery"

	// What a report holds, in bytes.
	maxLogExcerpt = 65536
	maxUID        = 128
)

// observe says when and of which run the observation was made.
func (d *delivery) observe(ctx context.Context, e *expression.Evaluation, out *issues.IssueReportSpec) error {
	w, at, key, run := d.webhook, "", "", issues.IssueRun{}
	uid := ""
	err := e.Texts(ctx, []expression.Target{
		{From: w.observedAt, To: &at},
		{From: w.key, To: &key},
		{From: w.reason, To: &out.Reason},
		{From: w.runKind, To: &run.Kind},
		{From: w.runName, To: &run.Name},
		{From: w.runUID, To: &uid},
		{From: w.runURL, To: &run.URL},
	}...)
	if err != nil {
		return err
	}
	if out.Outcome == issues.OutcomeFailed {
		if out.LogExcerpt, err = e.Text(ctx, w.logExcerpt); err != nil {
			return err
		}
	}
	if w.key == nil {
		key = d.headers[w.keyHeader]
	}
	out.LogExcerpt = last(out.LogExcerpt, maxLogExcerpt)
	out.ObservedAt = d.observedAt(at)
	out.Run = runOf(run, uid, key)
	return nil
}

// observedAt is when the delivery arrived, unless it says something else.
func (d *delivery) observedAt(text string) *metav1.MicroTime {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		at = d.now
	}
	return &metav1.MicroTime{Time: at}
}

// runOf makes a run of the key where there is no other: what makes an observation distinct
// is the UID of its run.
func runOf(run issues.IssueRun, uid, key string) *issues.IssueRun {
	if uid == "" {
		uid = key
	}
	run.UID = types.UID(short(uid))
	switch {
	case run.Name != "":
		return &run
	case run.UID != "":
		return &issues.IssueRun{Kind: KindDelivery, Name: string(run.UID), UID: run.UID}
	default:
		return nil
	}
}

// short tells what is too long for a UID apart from all else by its hash.
func short(uid string) string {
	if len(uid) <= maxUID {
		return uid
	}
	sum := sha256.Sum256([]byte(uid))
	return hex.EncodeToString(sum[:])
}

// last keeps whole characters.
func last(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	begin := len(text) - limit
	for begin < len(text) && !utf8.RuneStart(text[begin]) {
		begin++
	}
	return text[begin:]
}
