// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/storage/postgres"
)

const testDSN = "postgres://kite:hunter2@db.example:5432/kite"

func TestPostgresConfig(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		file    string // content; "-" for a file that does not exist
		env     string
		change  func(*PostgresOptions)
		wantDSN string
		wantErr string
	}{
		"Environment": {
			reason:  "the DSN itself comes from the environment",
			env:     testDSN,
			wantDSN: testDSN,
		},
		"FileWins": {
			reason:  "a file is more deliberate than a variable, and editors end it with a line feed",
			file:    testDSN + "\n",
			env:     "postgres://elsewhere",
			wantDSN: testDSN,
		},
		"None": {
			reason:  "both ways are named",
			wantErr: "no PostgreSQL DSN: give --postgres-dsn-file or the environment variable KITE_POSTGRES_DSN",
		},
		"UnreadableFile": {
			reason:  "it does not fall back to another database",
			file:    "-",
			env:     testDSN,
			wantErr: "no such file",
		},
		"EmptyFile": {
			reason:  "an empty Secret",
			file:    " \n",
			wantErr: "is empty",
		},
		"Unparseable": {
			reason:  "the password stays out of the error",
			env:     "postgres://kite:hunter2@db.example:port/kite",
			wantErr: "cannot be parsed",
		},
		"ShortHistory": {
			reason:  "upstream's watch cache needs 75s",
			env:     testDSN,
			change:  func(o *PostgresOptions) { o.Postgres.History = time.Second },
			wantErr: "at least 75s",
		},
		"BadSchema": {
			reason:  "the name becomes SQL",
			env:     testDSN,
			change:  func(o *PostgresOptions) { o.Postgres.Schema = `x"; DROP` },
			wantErr: "SQL identifier",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := NewPostgresOptions()
			o.LookupEnv = func(string) (string, bool) { return tc.env, tc.env != "" }
			if tc.file != "" {
				o.DSNFile = filepath.Join(t.TempDir(), "dsn")
			}
			if tc.file != "" && tc.file != "-" {
				require.NoError(t, os.WriteFile(o.DSNFile, []byte(tc.file), 0o600))
			}
			if tc.change != nil {
				tc.change(o)
			}
			cfg, err := o.Config()
			if tc.wantErr != "" {
				require.ErrorContains(t, err, tc.wantErr, tc.reason)
				require.NotContains(t, err.Error(), "hunter2")
				require.NotContains(t, err.Error(), "\n", "one line")
				return
			}
			require.NoError(t, err, tc.reason)
			require.Equal(t, tc.wantDSN, cfg.DSN, tc.reason)
			require.Equal(t, postgres.DefaultSchema, cfg.Schema)
		})
	}
}

func TestMigrateMode(t *testing.T) {
	t.Parallel()
	o := NewPostgresOptions()
	require.Empty(t, o.Validate())
	o.Migrate = "always"
	errs := o.Validate()
	require.Len(t, errs, 1)
	require.True(t, strings.HasPrefix(errs[0].Error(), "--migrate=always"))
}
