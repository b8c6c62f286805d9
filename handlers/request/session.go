package request

import (
	"context"

	"github.com/labstack/echo/v4"

	"salesactions/models"
)

// Flash is a message that the next page shows once. A secret in it, such as a new
// API token, is stored so that only the browser's cookie opens it.
type Flash struct {
	Tone   string `json:"tone"` // "good" or "bad"
	Text   string `json:"text"`
	Secret string `json:"secret,omitempty"`
}

// Session is the browser's sign-in. A request that nobody signed in for has one
// too, which holds nothing until SignIn.
type Session interface {
	// SignIn starts a session under a new id; the old id is worth nothing afterwards.
	SignIn(ctx context.Context, u models.User) error
	// SignOut ends this session.
	SignOut(ctx context.Context) error
	// Rotate gives the session a new id.
	Rotate(ctx context.Context) error
	// IDHash is what the database knows the session by, nil when nobody is signed in.
	IDHash() []byte
	// AddFlash keeps a message for the next page.
	AddFlash(ctx context.Context, f Flash) error
	// TakeFlashes returns the messages and forgets them.
	TakeFlashes(ctx context.Context) ([]Flash, error)
}

// SetSession puts the session into the request.
func SetSession(c echo.Context, s Session) { set(c, sessionKey, s) }

// GetSession returns the session; on paths that have none it is one that refuses to start.
func GetSession(c echo.Context) Session {
	if s, ok := get[Session](c, sessionKey); ok {
		return s
	}
	return none{}
}
