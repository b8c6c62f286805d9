package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// server answers HTTP until it is shut down.
type server interface {
	Serve(l net.Listener) error
	Shutdown(ctx context.Context) error
}

// operatorServer answers what operators ask of a replica that serves no pages.
type operatorServer struct{ http *http.Server }

func newOperatorServer(all http.Handler) operatorServer {
	mux := http.NewServeMux()
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		mux.Handle("GET "+path, all)
	}
	return operatorServer{&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}}
}

// Serve answers requests from the listener until Shutdown.
func (s operatorServer) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return nil
}

// Shutdown waits for running requests as long as ctx lasts, then cuts them.
func (s operatorServer) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return s.http.Close()
	}
	return nil
}
