package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// httpMetrics counts requests by route. A route is a line of the table, so the
// number of series does not grow with people.
type httpMetrics struct {
	registry *prometheus.Registry
	duration *prometheus.HistogramVec
	running  prometheus.Gauge
}

func newHTTPMetrics(registry *prometheus.Registry) (*httpMetrics, error) {
	if registry == nil {
		registry = prometheus.NewRegistry()
	}
	m := &httpMetrics{
		registry: registry,
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "salesactions_http_request_duration_seconds", Help: "How long requests took, by route and status.",
			Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 30},
		}, []string{"method", "route", "status"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "salesactions_http_requests_running", Help: "Requests being answered, streams included.",
		}),
	}
	if err := errors.Join(registry.Register(m.duration), registry.Register(m.running)); err != nil {
		return nil, fmt.Errorf("register metrics of HTTP: %w", err)
	}
	return m, nil
}

// observe is the middleware that counts.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := s.clock.Now()
		s.metrics.running.Inc()
		defer s.metrics.running.Dec()
		err := next(c)
		s.metrics.duration.WithLabelValues(knownMethod(c.Request().Method), s.routeName(c),
			strconv.Itoa(c.Response().Status)).Observe(s.clock.Since(start).Seconds())
		return err
	}
}

func (m *httpMetrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}
