// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package scopedeleted resolves issues whose scope was deleted: what is gone fails no
// longer.
//
// A scope counts only when it is in the issue's own namespace and has a UID, its kind is
// one that lasts and that the ClusterRole kite-monitor-sources lets the controller watch,
// and the controller itself has seen that object alive. So nobody learns from an issue
// whether an object exists that he may not see, and a scope with a slip of the pen
// resolves nothing. What is deleted while no controller runs is not noticed; what goes while
// a kind cannot be watched is, when it can be again.
package scopedeleted
