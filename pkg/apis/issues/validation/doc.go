// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package validation checks issues and reports for what the +k8s: markers on the
// types cannot say: rules over several fields, the shape of causes and URLs,
// characters that cannot be stored. The registry runs both and returns all
// errors of both at once, each with its path.
package validation
