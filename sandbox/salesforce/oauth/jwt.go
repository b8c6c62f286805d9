package oauth

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// maxAhead is how far in the future an assertion may expire (Salesforce Help: OAuth
// 2.0 JWT bearer flow), with a minute for clocks that differ.
const maxAhead = 6 * time.Minute

// jwtBearer has no refresh token: the app asks again.
func (s *Server) jwtBearer(r *http.Request) (*tokens, *Error) {
	claims := &jwt.RegisteredClaims{}
	var app *App
	_, err := jwt.ParseWithClaims(r.PostForm.Get("assertion"), claims, func(*jwt.Token) (any, error) {
		if app = s.apps[claims.Issuer]; app == nil || app.PublicKey == nil {
			return nil, jwt.ErrTokenUnverifiable
		}
		return app.PublicKey, nil
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.cfg.Clock.Now))
	if app == nil && claims.Issuer != "" {
		return nil, &Error{"invalid_client_id", "client identifier invalid"}
	}
	if err != nil || claims.ExpiresAt.After(s.cfg.Clock.Now().Add(maxAhead)) {
		return nil, invalidGrant("invalid assertion")
	}
	audiences := []string{"https://login.salesforce.com", "https://test.salesforce.com", address(r)}
	if !slices.ContainsFunc(claims.Audience, func(a string) bool { return slices.Contains(audiences, strings.TrimRight(a, "/")) }) {
		return nil, invalidGrant("Audience validation failed")
	}
	user := s.userNamed(claims.Subject)
	approved := user != nil && (len(app.Approved) == 0 || slices.Contains(app.Approved, user.Username))
	switch {
	case !approved:
		return nil, invalidGrant("user hasn't approved this consumer")
	case user.Inactive:
		return nil, invalidGrant("inactive user")
	}
	return &tokens{user: user.ID, app: app, scope: "api id", access: s.open(user.ID, app, "api id")}, nil
}
