package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// SigninWindow is how long a failure to sign in counts.
const SigninWindow = 15 * time.Minute

// How many failures within SigninWindow block further tries.
const (
	SigninFailuresHere       = 5  // of one e-mail address from one network address
	SigninFailuresPerAddress = 30 // of one network address
	SigninFailuresPerEmail   = 20 // of one e-mail address
)

// BeginSignin counts a try to sign in as failed before the password is looked at,
// so that tries at the same moment cannot slip past the limit. It returns the id
// of the try, or until when tries are refused; a refused try is not counted.
func BeginSignin(ctx context.Context, db *gorm.DB, email, address string, now time.Time) (int64, *time.Time, error) {
	db = db.WithContext(ctx)
	var try int64
	err := db.Raw("INSERT INTO signin_failures (email, address, at) VALUES (?, ?, ?) RETURNING id",
		NormalEmail(email), address, now).Scan(&try).Error
	if err != nil {
		return 0, nil, translate(err, "count a try to sign in")
	}
	until, err := signinBlockedUntil(db, try, NormalEmail(email), address, now)
	if err != nil || until == nil {
		return try, nil, err
	}
	return 0, until, translate(db.Exec("DELETE FROM signin_failures WHERE id = ?", try).Error, "refuse a try to sign in")
}

// signinBlockedUntil finds for each limit the failure that exhausts it: the block
// ends when that one is SigninWindow old.
func signinBlockedUntil(db *gorm.DB, try int64, email, address string, now time.Time) (*time.Time, error) {
	var last *time.Time
	err := db.Raw(`
		SELECT max(at) FROM (
			(SELECT at FROM signin_failures WHERE email = @email AND address = @address AND at > @since AND id <> @try
				ORDER BY at DESC OFFSET @here LIMIT 1)
			UNION ALL
			(SELECT at FROM signin_failures WHERE address = @address AND at > @since AND id <> @try
				ORDER BY at DESC OFFSET @per_address LIMIT 1)
			UNION ALL
			(SELECT at FROM signin_failures WHERE email = @email AND at > @since AND id <> @try
				ORDER BY at DESC OFFSET @per_email LIMIT 1)) exhausting`,
		map[string]any{
			"email": email, "address": address, "since": now.Add(-SigninWindow), "try": try,
			"here": SigninFailuresHere - 1, "per_address": SigninFailuresPerAddress - 1, "per_email": SigninFailuresPerEmail - 1,
		}).Row().Scan(&last)
	if err != nil || last == nil {
		return nil, translate(err, "read failures to sign in")
	}
	until := last.Add(SigninWindow)
	return &until, nil
}

// SigninSucceeded forgets the failures of an e-mail address from a network address.
func SigninSucceeded(ctx context.Context, db *gorm.DB, email, address string) error {
	err := db.WithContext(ctx).Exec("DELETE FROM signin_failures WHERE email = ? AND address = ?",
		NormalEmail(email), address).Error
	return translate(err, "forget failures to sign in")
}

// ForgetSignin takes back a try that nothing could be decided about.
func ForgetSignin(ctx context.Context, db *gorm.DB, try int64) error {
	return translate(db.WithContext(ctx).Exec("DELETE FROM signin_failures WHERE id = ?", try).Error, "forget a try to sign in")
}
