package syncengine_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/crypt"
	"salesactions/syncengine"
)

func TestAnEngineNeedsAClock(t *testing.T) {
	t.Parallel()
	box, err := crypt.New(bytes.Repeat([]byte{1}, crypt.KeySize))
	require.NoError(t, err)
	_, err = syncengine.New(t.Context(), syncengine.Config{Box: box}, syncengine.Deps{})
	require.ErrorContains(t, err, "clock")
}
