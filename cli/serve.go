package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"salesactions/handlers"
	"salesactions/handlers/api"
	"salesactions/handlers/live"
	"salesactions/handlers/password"
	"salesactions/migrations"
	"salesactions/syncengine"
	"salesactions/web"
)

func newServe(env *environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "serve",
		Short: "Serve the workspace and do the background work",
		Args:  cobra.NoArgs,
		RunE:  env.serve,
	}
	command.Flags().String("addr", "127.0.0.1:8080", "address to listen on")
	command.Flags().String("base-url", "", "where people reach the program, such as https://sales.example.com")
	command.Flags().String("trusted-proxies", "", "networks of proxies whose X-Forwarded-For is believed, with commas")
	command.Flags().String("role", "all", "what this replica does: all, web (no background work) or worker (background work, health and metrics)")
	addEngineFlags(command)
	describe(command.Flags())
	return command
}

func (e *environment) serve(command *cobra.Command, _ []string) error {
	role, _ := command.Flags().GetString("role")
	if role != "all" && role != "web" && role != "worker" {
		return usageError{fmt.Errorf("--role is %q: give all, web or worker", role)}
	}
	config, err := engineConfig(command)
	if err != nil {
		return err
	}
	config.Work = role != "web"
	s, err := e.openStore(command, false)
	if err != nil {
		return err
	}
	app, err := s.newApp(command, config)
	if err == nil {
		err = app.run(command.Context(), func() { s.log.Info("Ready", "url", app.url(), "role", role) })
	}
	return errors.Join(err, s.Close(command.Context()))
}

// app is the running program: web and engine.
type app struct {
	store    *store
	engine   *syncengine.Engine
	hub      *live.Hub
	server   server
	listener net.Listener
}

// newApp wires everything; it listens, but answers only when it runs.
func (s *store) newApp(command *cobra.Command, config syncengine.Config) (*app, error) {
	ctx, flags := command.Context(), command.Flags()
	text := func(name string) string { value, _ := flags.GetString(name); return value }
	a := &app{store: s}
	proxies, err := parseProxies(text("trusted-proxies"))
	if err != nil {
		return nil, err
	}
	if a.engine, err = s.newEngine(command, config); err != nil {
		return nil, err
	}
	if a.hub, err = live.New(live.Config{Connection: s.db.Pool.Config().ConnConfig.Copy(), Log: s.log, Clock: s.clock}); err != nil {
		return nil, err
	}
	hasher, err := password.New(password.Config{})
	if err != nil {
		return nil, err
	}
	jobs, err := a.engine.JobsHandler(ctx, "/settings/jobs")
	if err != nil {
		return nil, err
	}
	pages := handlers.New(handlers.Deps{DB: s.db.Gorm, Engine: a.engine, Passwords: hasher, Ready: s.ready, BaseURL: text("base-url"), Clock: s.clock})
	site, err := web.New(web.Config{BaseURL: text("base-url"), TrustedProxies: proxies}, web.Deps{
		DB: s.db.Gorm, Pages: pages, API: api.New(api.Deps{DB: s.db.Gorm, Engine: a.engine, BaseURL: text("base-url")}), Live: a.hub, Jobs: jobs,
		Registry: newRegistry(a.engine), Log: s.log, Clock: s.clock,
	})
	if err != nil {
		return nil, err
	}
	a.server = site
	if role, _ := flags.GetString("role"); role == "worker" {
		a.server = newOperatorServer(site)
	}
	if a.listener, err = net.Listen("tcp", text("addr")); err != nil {
		return nil, fmt.Errorf("listen on %s: %w: choose another address with --addr", text("addr"), err)
	}
	return a, nil
}

// ready says why the program cannot serve, or nothing.
func (s *store) ready(ctx context.Context) error {
	if err := s.db.Pool.Ping(ctx); err != nil {
		return errors.New("the database does not answer")
	}
	return migrations.Check(ctx, s.db.Pool)
}

func newRegistry(engine *syncengine.Engine) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(engine.Metrics())
	prometheus.WrapRegistererWithPrefix("salesactions_", registry).MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

func parseProxies(text string) ([]netip.Prefix, error) {
	var proxies []netip.Prefix
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			return nil, usageError{fmt.Errorf("SALESACTIONS_TRUSTED_PROXIES: %q is not a network such as 10.0.0.0/8", part)}
		}
		proxies = append(proxies, prefix)
	}
	return proxies, nil
}

func (a *app) url() string { return "http://" + a.listener.Addr().String() }

const (
	requestsLimit = 15 * time.Second // for requests under way
	jobsLimit     = 20 * time.Second // for jobs to reach their checkpoints
)

// run serves until ctx ends, then stops in order: no new requests and no streams,
// then the jobs. The pools and the private server are the caller's.
func (a *app) run(ctx context.Context, ready func()) error {
	a.hub.Start(ctx)
	if err := a.engine.Start(ctx); err != nil {
		a.hub.Stop()
		return errors.Join(err, a.listener.Close())
	}
	failed := make(chan error, 1)
	go func() { failed <- a.server.Serve(a.listener) }()
	ready()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		a.store.log.Info("Stopping")
	}
	return errors.Join(err, a.stop(context.WithoutCancel(ctx)))
}

func (a *app) stop(ctx context.Context) error {
	a.hub.Stop()
	requests, cancel := context.WithTimeout(ctx, requestsLimit)
	defer cancel()
	err := a.server.Shutdown(requests)
	jobs, cancel := context.WithTimeout(ctx, jobsLimit)
	defer cancel()
	return errors.Join(err, a.engine.Stop(jobs))
}
