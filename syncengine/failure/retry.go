package failure

// Retry says when something is tried again without anybody's doing.
type Retry string

// The ways. The zero value says nothing, as there is no failure.
const (
	Never Retry = "never" // not before somebody has mended it
	Soon  Retry = "soon"  // with a growing, jittered pause
	Slow  Retry = "slow"  // every hour or more seldom
)

// Heal is what a deliverer can do about a failure by itself, once, before it sends
// again; Retry holds if that does not help.
type Heal string

// The remedies. The zero value is none.
const (
	RefreshToken Heal = "refresh_token" // with another access token
	FollowRecord Heal = "follow_record" // to the record that this one became, by a merge or a conversion
	DropField    Heal = "drop_field"    // without the field, after reading anew which fields there are
	OmitValue    Heal = "omit_value"    // without the value
	DefaultOwner Heal = "default_owner" // in the name of the default owner
	Truncate     Heal = "truncate"      // with texts cut to the fields' length
	Split        Heal = "split"         // in halves, until the record that spoils the call stands alone
	SmallerBatch Heal = "smaller_batch" // with fewer records in a call
	AlreadyThere Heal = "already_there" // not at all, if the value is our key: it is delivered
	AllowSave    Heal = "allow_save"    // with leave to save in spite of duplicate rules
	OtherKey     Heal = "other_key"     // without the key field, told apart another way
	Restart      Heal = "restart"       // a read, from its start
)
