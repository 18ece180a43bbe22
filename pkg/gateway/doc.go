// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package gateway takes reports in the forms that other systems send, and passes them on
// as IssueReports.
//
// It keeps no state and no queue: a request is answered when the API has taken all that it
// said. What is not acknowledged the sender sends again, and the API counts it once.
//
//	request → in flight? → who? → rate → body → source → IssueReport → answer
//
// A source understands one form. It acts with the token of whoever sent the request, so
// that RBAC decides, and the gateway needs no rights of its own.
package gateway
