package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
)

// browser is the session of one request, as handlers use it.
type browser struct {
	store   *sessionStore
	session *sessions.Session
	c       echo.Context
}

// withSession loads the session and says who is signed in. A user's new role gives
// the session a new id.
func (s *Server) withSession(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !s.usesSession(c) {
			return next(c)
		}
		session, err := s.sessions.Get(c.Request(), s.sessions.name)
		if err != nil {
			return err
		}
		b := &browser{store: s.sessions, session: session, c: c}
		request.SetSession(c, b)
		user, ok := session.Values[userKey].(models.User)
		if !ok {
			return next(c)
		}
		if err := b.keep(c.Request().Context(), user); errors.Is(err, models.ErrNotFound) {
			return next(c) // revoked, or renamed by a request at the same moment
		} else if err != nil {
			return err
		}
		request.SetUser(c, user)
		return next(c)
	}
}

// keep notes that the session is in use, and renames it when the user's role changed.
func (b *browser) keep(ctx context.Context, user models.User) error {
	data, _ := b.session.Values[savedKey].(saved)
	if data.Role != user.Role {
		data.Role = user.Role
		b.session.Values[savedKey] = data
		if err := b.store.rotate(ctx, b.c.Response(), b.session); err != nil {
			return err
		}
	}
	row, _ := b.session.Values[rowKey].(models.Session)
	now := b.store.clock.Now()
	if now.Sub(row.LastSeenAt) < seenEvery {
		return nil
	}
	return models.SeeSession(ctx, b.store.db, row.IDHash, now, expiry(row.CreatedAt, now))
}

// SignIn implements request.Session.
func (b *browser) SignIn(ctx context.Context, u models.User) error {
	if !b.session.IsNew {
		if err := models.DeleteSession(ctx, b.store.db, hashID(b.session.ID)); err != nil {
			return err
		}
	}
	b.session.IsNew = true
	b.session.Values = map[any]any{
		userKey: u, savedKey: saved{Role: u.Role},
		rowKey: models.Session{Address: b.c.RealIP(), UserAgent: cut(strings.ToValidUTF8(b.c.Request().UserAgent(), "?"), 400)},
	}
	return b.save(ctx)
}

// SignOut implements request.Session.
func (b *browser) SignOut(ctx context.Context) error {
	b.session.Options.MaxAge = -1
	return b.save(ctx)
}

// Rotate implements request.Session.
func (b *browser) Rotate(ctx context.Context) error {
	if b.session.IsNew {
		return nil
	}
	return b.store.rotate(ctx, b.c.Response(), b.session)
}

// IDHash implements request.Session.
func (b *browser) IDHash() []byte {
	if b.session.IsNew {
		return nil
	}
	return hashID(b.session.ID)
}

// AddFlash implements request.Session.
func (b *browser) AddFlash(ctx context.Context, f request.Flash) error {
	data, _ := b.session.Values[savedKey].(saved)
	data.Flashes = append(data.Flashes, f)
	b.session.Values[savedKey] = data
	return b.save(ctx)
}

// TakeFlashes implements request.Session.
func (b *browser) TakeFlashes(ctx context.Context) ([]request.Flash, error) {
	data, _ := b.session.Values[savedKey].(saved)
	if len(data.Flashes) == 0 || b.session.IsNew {
		return nil, nil
	}
	flashes := data.Flashes
	data.Flashes = nil
	b.session.Values[savedKey] = data
	return flashes, b.save(ctx)
}

func (b *browser) save(ctx context.Context) error {
	var w http.ResponseWriter = b.c.Response()
	return b.session.Save(b.c.Request().WithContext(ctx), w)
}

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
