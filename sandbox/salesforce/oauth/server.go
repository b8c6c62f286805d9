// Package oauth imitates Salesforce's token service: the login and consent pages, the
// grants of connected apps, sessions, identity, and its refusals. Answers are JSON
// only, and who has logged in is not remembered by the browser.
package oauth

import (
	"cmp"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// DefaultSessionLength is how long a session lives after its last use (Salesforce
// Help: session settings).
const DefaultSessionLength = 2 * time.Hour

// User may log in. Usernames are e-mail addresses.
type User struct {
	ID       string // 18 characters
	Username string
	Password string
	Name     string
	Email    string
	Inactive bool
}

// App is a connected app.
type App struct {
	ClientID string
	Secret   string // empty: the app is known by its verifier alone
	// RedirectURIs are compared exactly. None lets every http and https address in
	// whose path ends in /settings/salesforce/callback.
	RedirectURIs []string
	// PublicKey of the app's certificate; nil refuses the JWT bearer flow.
	PublicKey *rsa.PublicKey
	// Approved are the usernames that JWTs may name; none means every user.
	Approved []string
	// RunAs is the username that client credentials stand for; empty refuses the flow.
	RunAs string
}

// Config describes an org's logins.
type Config struct {
	Users []User
	Apps  []App
	OrgID string // 18 characters
	// SessionLength defaults to DefaultSessionLength.
	SessionLength time.Duration
	// Rotation gives a new refresh token with each refresh and voids the old one.
	Rotation bool
	// LoginHosts are hosts, as requests name them, that refuse client credentials, as
	// login.salesforce.com does; none by default.
	LoginHosts []string
	// InstanceURL defaults to the address at which the request arrived.
	InstanceURL string
	Clock       clockwork.Clock // required
}

// Server holds users, grants and sessions. It is safe for concurrent use.
type Server struct {
	cfg Config
	mux *http.ServeMux

	mu       sync.Mutex
	users    map[string]*User // by id
	apps     map[string]*App  // by client id
	tickets  map[string]ticket
	codes    map[string]*code
	refresh  map[string]*refreshToken
	grants   []*grant // the oldest first
	sessions map[string]*session
	fails    []*Error
}

// New checks that users and apps are complete and differ.
func New(cfg Config) (*Server, error) {
	cfg.SessionLength = cmp.Or(cfg.SessionLength, DefaultSessionLength)
	if cfg.Clock == nil {
		return nil, errors.New("the sandbox of Salesforce's sign-in has no clock: Config.Clock is missing")
	}
	s := &Server{cfg: cfg, users: map[string]*User{}, apps: map[string]*App{}, tickets: map[string]ticket{},
		codes: map[string]*code{}, refresh: map[string]*refreshToken{}, sessions: map[string]*session{}}
	for _, u := range cfg.Users {
		if u.ID == "" || u.Username == "" || s.users[u.ID] != nil || s.userNamed(u.Username) != nil {
			return nil, fmt.Errorf("user %q: an id and a username of its own are needed", u.ID)
		}
		s.users[u.ID] = &u
	}
	for _, a := range cfg.Apps {
		if a.ClientID == "" || s.apps[a.ClientID] != nil {
			return nil, fmt.Errorf("app %q: a client id of its own is needed", a.ClientID)
		}
		s.apps[a.ClientID] = &a
	}
	s.mux = s.routes()
	return s, nil
}

// ServeHTTP serves /services/oauth2/…, /id/{org}/{user} and the discovery document.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /services/oauth2/authorize", s.authorize)
	mux.HandleFunc("POST /services/oauth2/authorize", s.authorize)
	mux.HandleFunc("POST /services/oauth2/token", s.token)
	mux.HandleFunc("POST /services/oauth2/revoke", s.revoke)
	mux.HandleFunc("POST /services/oauth2/introspect", s.introspect)
	mux.HandleFunc("GET /services/oauth2/userinfo", s.userInfo)
	mux.HandleFunc("GET /id/{org}/{user}", s.identity)
	mux.HandleFunc("GET /.well-known/openid-configuration", s.discovery)
	return mux
}

// Check gives the user whose session a token is, and prolongs it. Its errors are
// *Error with the code INVALID_SESSION_ID.
func (s *Server) Check(token string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.live(token)
	if found == nil {
		return "", &Error{Code: InvalidSession, Description: "Session expired or invalid"}
	}
	if !has(found.scope, "api", "full") {
		return "", &Error{Code: InvalidSession, Description: "This session is not valid for use with the REST API"}
	}
	return found.user, nil
}

// Issue makes an access token for a user without an app, or "" for an unknown one.
func (s *Server) Issue(userID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users[userID] == nil {
		return ""
	}
	return s.open(userID, nil, "full")
}

// ExpireSessions ends every session; grants stay, so refreshing helps.
func (s *Server) ExpireSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

// RevokeGrants ends every grant with its sessions, as an admin does who revokes access.
func (s *Server) RevokeGrants() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.grants) > 0 {
		s.end(s.grants[0])
	}
}

// Deactivate keeps a user out and ends the sessions; the grants answer "inactive user".
func (s *Server) Deactivate(userID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[userID]; u != nil {
		u.Inactive = true
	}
}

// FailNext makes one coming request of the token service fail; several queue up.
func (s *Server) FailNext(code, description string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = append(s.fails, &Error{Code: code, Description: description})
}
