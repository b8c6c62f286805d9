package web

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

func TestShutdownWaitsForRunningRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begun, finish := make(chan struct{}), make(chan struct{})
	b.server.echo.GET("/slow", func(c echo.Context) error {
		close(begun)
		<-finish
		return c.String(http.StatusOK, "done")
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served, answered := make(chan error, 1), make(chan int, 1)
	go func() { served <- b.server.Serve(listener) }()
	go func() {
		response, err := b.site.Client().Get("http://" + listener.Addr().String() + "/slow")
		if err != nil {
			answered <- 0
			return
		}
		defer response.Body.Close()
		answered <- response.StatusCode
	}()
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- b.server.Shutdown(t.Context()) }()
	require.NoError(t, <-served, "no new requests from here on")
	close(finish)
	require.NoError(t, <-stopped)
	require.Equal(t, http.StatusOK, <-answered)
}

func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begun := make(chan struct{})
	b.server.echo.GET("/endless", func(c echo.Context) error {
		close(begun)
		<-c.Request().Context().Done()
		return c.Request().Context().Err()
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served, cutOff := make(chan error, 1), make(chan error, 1)
	go func() { served <- b.server.Serve(listener) }()
	go func() {
		response, err := b.site.Client().Get("http://" + listener.Addr().String() + "/endless")
		if err == nil {
			err = response.Body.Close()
		}
		cutOff <- err
	}()
	<-begun
	expired, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, b.server.Shutdown(expired))
	require.NoError(t, <-served)
	require.Error(t, <-cutOff)
}

func TestTheBaseURLIsChecked(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"sales.example.com", "ftp://sales.example.com", "https://", "://"} {
		_, err := New(Config{BaseURL: wrong}, Deps{})
		require.ErrorContains(t, err, "SALESACTIONS_BASE_URL", wrong)
	}
}
