package request

import (
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	zoneCookie  = "zone" // written by static/js/zone.js
	maxZoneName = 64     // twice the longest name of the IANA database
)

// Zone is where the reader is, as the browser says; UTC where it does not, or says
// what is no zone. It decides which day is today, and nothing that needs trust.
func Zone(c echo.Context) *time.Location {
	cookie, err := c.Cookie(zoneCookie)
	// "Local" would be the zone of the server.
	if err != nil || len(cookie.Value) > maxZoneName || strings.EqualFold(cookie.Value, "local") {
		return time.UTC
	}
	zone, err := time.LoadLocation(cookie.Value)
	if err != nil {
		return time.UTC
	}
	return zone
}
