// Package access has the pages about signing in and about oneself.
package access

import (
	"salesactions/views"
	"salesactions/views/ui"
)

// SigninProps are the sign-in form.
type SigninProps struct {
	Page                 views.Page
	Email, Next, Problem string
}

// InvitationProps are the form that accepts an invitation.
type InvitationProps struct {
	Page             views.Page
	Action           string
	Email, Name      string
	WrongName, Wrong string
}

// AccountProps are the page about oneself.
type AccountProps struct {
	Page               views.Page
	Name, Email, Role  string
	WrongOld, WrongNew string
}

func password(name, label, autocomplete, hint, wrong string) ui.FieldProps {
	return ui.FieldProps{Name: name, Label: label, Type: "password", Autocomplete: autocomplete, Hint: hint, Wrong: wrong, Required: true}
}
