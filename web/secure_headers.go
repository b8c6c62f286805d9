package web

import (
	"strings"

	"github.com/labstack/echo/v4"
)

// policy is the content security policy of our own pages: nothing but our files,
// no inline script or style.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// jobsPolicy is that of River's pages, whose components add style elements and
// whose configuration is a JSON block in the page.
const jobsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"font-src 'self' data:; connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// secureHeaders tells browsers what our answers never do. Pages are not kept,
// because a browser's cache outlives a sign-out.
func (s *Server) secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set(echo.HeaderContentSecurityPolicy, policy)
		if strings.HasPrefix(c.Path(), jobsPath) {
			header.Set(echo.HeaderContentSecurityPolicy, jobsPolicy)
		}
		header.Set(echo.HeaderXContentTypeOptions, "nosniff")
		header.Set(echo.HeaderXFrameOptions, "DENY")
		header.Set(echo.HeaderReferrerPolicy, "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		if s.secure {
			header.Set(echo.HeaderStrictTransportSecurity, "max-age=31536000")
		}
		if r, ok := s.routeOf(c); !ok || !r.has(file) {
			header.Set(echo.HeaderCacheControl, "no-store")
		}
		return next(c)
	}
}
