package oauth

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ticketLife is how long the consent page waits for an answer.
const ticketLife = 15 * time.Minute

// ticket proves on the consent page that somebody logged in for this request.
type ticket struct {
	user string
	asks asks
	dies time.Time
}

// asks is what an app wants; the pages carry it in hidden fields.
type asks struct {
	ResponseType, ClientID, RedirectURI, State, Scope, Challenge, Method, Hint string
}

// knownScopes are those that an app may ask for.
var knownScopes = [...]string{"api", "refresh_token", "offline_access", "id", "openid", "profile", "email", "address", "phone", "web", "full"}

func read(r *http.Request) asks {
	return asks{r.Form.Get("response_type"), r.Form.Get("client_id"), r.Form.Get("redirect_uri"), r.Form.Get("state"),
		r.Form.Get("scope"), r.Form.Get("code_challenge"), r.Form.Get("code_challenge_method"), r.Form.Get("login_hint")}
}

// authorize shows the login page, then the consent page, then sends the browser back.
// As long as app and address are in doubt, nothing is sent to the address.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		showError(w, &Error{"invalid_request", "the form cannot be read"})
		return
	}
	asked := read(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	app := s.apps[asked.ClientID]
	switch {
	case app == nil:
		showError(w, &Error{"invalid_client_id", "client identifier invalid"})
		return
	case asked.RedirectURI == "":
		showError(w, &Error{"redirect_uri_missing", "redirect_uri not provided"})
		return
	case !app.returnsTo(asked.RedirectURI):
		showError(w, &Error{"redirect_uri_mismatch", "redirect_uri must match configuration"})
		return
	}
	if refused := asked.check(); refused != nil {
		sendBack(w, r, asked, url.Values{"error": {refused.Code}, "error_description": {refused.Description}})
		return
	}
	switch step := r.PostForm.Get("step"); {
	case r.Method == http.MethodPost && step == "login":
		s.login(w, r, asked)
	case r.Method == http.MethodPost && step == "consent":
		s.consent(w, r, asked, app)
	default:
		showLogin(w, http.StatusOK, asked, asked.Hint, "")
	}
}

func (a *App) returnsTo(address string) bool {
	if len(a.RedirectURIs) > 0 {
		return slices.Contains(a.RedirectURIs, address)
	}
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil &&
		u.Fragment == "" && strings.HasSuffix(u.Path, "/settings/salesforce/callback")
}

func (a asks) check() *Error {
	switch {
	case a.ResponseType != "code":
		return &Error{"unsupported_response_type", "response type not supported"}
	case a.Challenge == "" && a.Method != "", a.Challenge != "" && a.Method != "S256":
		return &Error{"invalid_request", "code challenge must be made with S256"}
	}
	for _, scope := range strings.Fields(a.Scope) {
		if !slices.Contains(knownScopes[:], scope) {
			return &Error{"invalid_scope", "the requested scope is not allowed"}
		}
	}
	return nil
}

func (s *Server) login(w http.ResponseWriter, r *http.Request, asked asks) {
	username, password := strings.TrimSpace(r.PostForm.Get("username")), r.PostForm.Get("password")
	user := s.userNamed(username)
	switch {
	case user == nil || user.Password == "" || subtle.ConstantTimeCompare([]byte(user.Password), []byte(password)) != 1:
		showLogin(w, http.StatusUnauthorized, asked, username, "Please check your username and password. If you still can't log in, contact your Salesforce administrator.")
		return
	case user.Inactive:
		showLogin(w, http.StatusForbidden, asked, username, "Your account is inactive. Contact your Salesforce administrator.")
		return
	}
	id := rand.Text()
	s.tickets[id] = ticket{user: user.ID, asks: asked, dies: s.cfg.Clock.Now().Add(ticketLife)}
	showConsent(w, asked, user.Username, id)
}

func (s *Server) consent(w http.ResponseWriter, r *http.Request, asked asks, app *App) {
	id := r.PostForm.Get("ticket")
	t, found := s.tickets[id]
	delete(s.tickets, id)
	if !found || t.asks != asked || !s.cfg.Clock.Now().Before(t.dies) || s.users[t.user].Inactive {
		showLogin(w, http.StatusUnauthorized, asked, asked.Hint, "Your login has expired. Log in again.")
		return
	}
	if r.PostForm.Get("answer") != "allow" {
		sendBack(w, r, asked, url.Values{"error": {"access_denied"}, "error_description": {"end-user denied authorization"}})
		return
	}
	scope := asked.Scope
	if scope == "" {
		scope = "api id refresh_token"
	}
	value := "aPrx" + rand.Text()
	s.codes[value] = &code{app: app.ClientID, user: t.user, redirect: asked.RedirectURI, challenge: asked.Challenge, scope: scope, dies: s.cfg.Clock.Now().Add(codeLife)}
	sendBack(w, r, asked, url.Values{"code": {value}})
}

// sendBack keeps what the address has in its query.
func sendBack(w http.ResponseWriter, r *http.Request, asked asks, values url.Values) {
	u, err := url.Parse(asked.RedirectURI)
	if err != nil {
		showError(w, &Error{"redirect_uri_mismatch", "redirect_uri must match configuration"})
		return
	}
	query := u.Query()
	for name := range values {
		query.Set(name, values.Get(name))
	}
	if asked.State != "" {
		query.Set("state", asked.State)
	}
	u.RawQuery = query.Encode()
	http.Redirect(w, r, u.String(), http.StatusFound)
}
