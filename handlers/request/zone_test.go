package request_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"salesactions/handlers/request"
)

func TestZone(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"Pacific/Auckland":               "Pacific/Auckland",
		"America/Argentina/Buenos_Aires": "America/Argentina/Buenos_Aires",
		"Etc/GMT+5":                      "Etc/GMT+5",
		"UTC":                            "UTC",
		"":                               "UTC",
		"Local":                          "UTC",
		"local":                          "UTC",
		"Middle/Earth":                   "UTC",
		"../../etc/passwd":               "UTC",
		"/etc/localtime":                 "UTC",
		strings.Repeat("Pacific/", 20):   "UTC",
	} {
		t.Run(said, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.AddCookie(&http.Cookie{Name: "zone", Value: said})
			require.Equal(t, want, request.Zone(echo.New().NewContext(r, nil)).String())
		})
	}
	t.Run("nothing is said", func(t *testing.T) {
		t.Parallel()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		require.Equal(t, "UTC", request.Zone(echo.New().NewContext(r, nil)).String())
	})
}
