package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEngineConfig(t *testing.T) {
	t.Run("tasks are read as often as told", func(t *testing.T) {
		t.Setenv("TASK_POLL_INTERVAL", "1500ms")
		command, err := parse(t, "serve")
		require.NoError(t, err)
		config, err := engineConfig(command)
		require.NoError(t, err)
		require.Equal(t, 1500*time.Millisecond, config.TaskPoll)
	})
	t.Run("the defaults are those of the documents", func(t *testing.T) {
		command, err := parse(t, "serve")
		require.NoError(t, err)
		config, err := engineConfig(command)
		require.NoError(t, err)
		require.Equal(t, 30*time.Second, config.TaskPoll)
		require.Equal(t, 30*time.Second, config.PollInterval)
	})
	t.Run("one that is too short is named", func(t *testing.T) {
		t.Setenv("TASK_POLL_INTERVAL", "99ms")
		command, err := parse(t, "serve")
		require.NoError(t, err)
		_, err = engineConfig(command)
		require.ErrorAs(t, err, new(usageError))
		require.EqualError(t, err, "TASK_POLL_INTERVAL must be at least 100ms")
	})
}
