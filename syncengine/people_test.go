package syncengine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine"
)

func TestInitialSync(t *testing.T) {
	t.Parallel()

	t.Run("brings_exactly_the_qualified_people", func(t *testing.T) {
		t.Parallel()
		b := setup(t, crowdConfig(), engineConfig())
		b.copied()
		require.Empty(t, b.difference())
		b.counted()
		b.innocent()
		st, err := b.engine.Status(t.Context())
		require.NoError(t, err)
		require.Equal(t, int64(len(b.marketo())), st.People)
	})

	t.Run("goes_by_ids_where_that_needs_fewer_calls", func(t *testing.T) {
		t.Parallel()
		config := engineConfig()
		config.Copy = syncengine.CopyAuto
		b := setup(t, crowdConfig(), config)
		b.copied()
		require.Empty(t, b.difference())
		require.Zero(t, b.sandbox.Calls()["export create"])
		b.innocent()
	})

	t.Run("goes_by_ids_where_bulk_extract_is_not_to_be_had", func(t *testing.T) {
		t.Parallel()
		config := crowdConfig()
		config.NoBulk = true
		b := setup(t, config, engineConfig())
		b.copied()
		require.Empty(t, b.difference())
		b.innocent()
	})
}
