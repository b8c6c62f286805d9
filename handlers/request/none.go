package request

import (
	"context"
	"errors"

	"salesactions/models"
)

var errNoSessions = errors.New("this path has no sessions")

// none is the session of a path without sessions.
type none struct{}

func (none) SignIn(context.Context, models.User) error    { return errNoSessions }
func (none) SignOut(context.Context) error                { return nil }
func (none) Rotate(context.Context) error                 { return nil }
func (none) IDHash() []byte                               { return nil }
func (none) AddFlash(context.Context, Flash) error        { return nil }
func (none) TakeFlashes(context.Context) ([]Flash, error) { return nil, nil }
