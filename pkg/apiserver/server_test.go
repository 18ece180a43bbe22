// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/version"
	baseversion "k8s.io/component-base/version"
)

type fakePinger struct{ err error }

func (p *fakePinger) Ping(context.Context) error { return p.err }

func TestReadyCheck(t *testing.T) {
	t.Parallel()
	db := &fakePinger{}
	check := readyCheck(db)
	request := httptest.NewRequestWithContext(t.Context(), "GET", "/readyz", nil)
	require.Equal(t, "postgres", check.Name(), "the Deployment's probe excludes it by this name")
	require.NoError(t, check.Check(request))
	db.err = errors.New("away")
	require.ErrorIs(t, check.Check(request), db.err)
	db.err = nil
	require.NoError(t, check.Check(request))
}

func TestLibraryVersion(t *testing.T) {
	t.Parallel()
	want := version.MustParse(baseversion.DefaultKubeBinaryVersion)
	got := NewConfig().Generic.EffectiveVersion.EmulationVersion()
	require.True(t, want.EqualTo(got), "the libraries emulate %s, whatever this program's version is", got)
}
