package syncengine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine"
	"salesactions/syncengine/enginetest"
)

func TestInitialSync(t *testing.T) {
	t.Parallel()

	t.Run("brings_exactly_the_qualified_people", func(t *testing.T) {
		t.Parallel()
		b := enginetest.Setup(t, enginetest.CrowdConfig(), enginetest.EngineConfig())
		b.Copied()
		require.Empty(t, differenceOf(b))
		counted(b)
		b.Innocent()
		st, err := b.Engine.Status(t.Context())
		require.NoError(t, err)
		require.Equal(t, int64(len(marketoOf(b))), st.People)
	})

	t.Run("goes_by_ids_where_that_needs_fewer_calls", func(t *testing.T) {
		t.Parallel()
		config := enginetest.EngineConfig()
		config.Copy = syncengine.CopyAuto
		b := enginetest.Setup(t, enginetest.CrowdConfig(), config)
		b.Copied()
		require.Empty(t, differenceOf(b))
		require.Zero(t, b.Sandbox.Calls()["export create"])
		b.Innocent()
	})

	t.Run("goes_by_ids_where_bulk_extract_is_not_to_be_had", func(t *testing.T) {
		t.Parallel()
		config := enginetest.CrowdConfig()
		config.NoBulk = true
		b := enginetest.Setup(t, config, enginetest.EngineConfig())
		b.Copied()
		require.Empty(t, differenceOf(b))
		b.Innocent()
	})
}
