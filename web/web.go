// Package web is the way in over HTTP: the table of routes with who may use them,
// sessions, the middleware in its one order, and the answers to errors.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"salesactions/handlers"
	"salesactions/handlers/api"
	"salesactions/handlers/live"
)

// Config of the server. Zero values stand for the defaults.
type Config struct {
	// BaseURL is where people reach the program; over https its cookies are Secure.
	BaseURL string
	// TrustedProxies may say in X-Forwarded-For whom they ask for. Default none.
	TrustedProxies []netip.Prefix
	// RequestTimeout bounds what a request may take; streams are free. Default 30 s.
	RequestTimeout time.Duration
}

// Deps are what the server works with.
type Deps struct {
	DB       *gorm.DB
	Pages    *handlers.Handlers
	API      *api.Handlers
	Live     *live.Hub
	Jobs     http.Handler // River's own pages, which expect the path /settings/jobs
	Registry *prometheus.Registry
	Log      *slog.Logger    // default slog.Default
	Clock    clockwork.Clock // required
}

// Server answers HTTP. Its methods are safe for concurrent use.
type Server struct {
	cfg      Config
	deps     Deps
	clock    clockwork.Clock
	log      *slog.Logger
	secure   bool
	echo     *echo.Echo
	http     *http.Server
	sessions *sessionStore
	table    map[string]route // by method and path
	metrics  *httpMetrics
}

// New makes a Server that does not listen yet.
func New(cfg Config, deps Deps) (*Server, error) {
	base, err := url.Parse(cfg.BaseURL)
	if err != nil || cfg.BaseURL != "" && (base.Scheme != "http" && base.Scheme != "https" || base.Host == "") {
		return nil, fmt.Errorf("SALESACTIONS_BASE_URL must be an http or https address, not %q", cfg.BaseURL)
	}
	if deps.Clock == nil {
		return nil, errors.New("web: Deps.Clock is missing")
	}
	if cfg.RequestTimeout <= 0 {
		cfg.RequestTimeout = 30 * time.Second
	}
	s := &Server{cfg: cfg, deps: deps, clock: deps.Clock, log: deps.Log, secure: base.Scheme == "https"}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.sessions = newSessionStore(deps.DB, s.clock, s.secure)
	if s.metrics, err = newHTTPMetrics(deps.Registry); err != nil {
		return nil, err
	}
	s.echo = echo.New()
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.IPExtractor = s.addressOf()
	s.echo.HTTPErrorHandler = s.answerError
	s.echo.Use(s.middleware()...)
	s.register(s.routes())
	s.http = &http.Server{
		Handler:           s.echo,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      90 * time.Second, // streams and exports move it as they write
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// ServeHTTP answers one request, for tests and for other servers.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// Serve answers requests from the listener until Shutdown.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return nil
}

// Shutdown refuses new requests and waits for the running ones as long as ctx
// lasts, then cuts them. End the live hub first, or its streams are waited for.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = s.http.Close()
	}
	if err != nil {
		return fmt.Errorf("stop HTTP: %w", err)
	}
	return nil
}

// addressOf takes the network address of a request from its connection, or from
// trusted proxies, never from what a client claims.
func (s *Server) addressOf() echo.IPExtractor {
	if len(s.cfg.TrustedProxies) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, prefix := range s.cfg.TrustedProxies {
		prefix = prefix.Masked()
		options = append(options, echo.TrustIPRange(&net.IPNet{
			IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}
