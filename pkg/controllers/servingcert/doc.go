// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package servingcert gives kite-apiserver its certificate where no other
// certificate authority of the cluster does: it keeps an authority of its own, a
// certificate signed by it, and the APIServices' caBundle in step, and renews
// them in time.
//
// The authority's key lies in a Secret that no pod mounts. While an authority is
// replaced, the bundle holds the old and the new one, and it is written before the
// certificate: pods notice a changed Secret later, some before others, and
// kube-apiserver trusts each of them at any moment.
package servingcert
