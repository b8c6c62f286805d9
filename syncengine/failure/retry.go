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
	HealRefreshToken Heal = "refresh_token" // with another access token
	HealFollowRecord Heal = "follow_record" // to the record that this one became, by a merge or a conversion
	HealDropField    Heal = "drop_field"    // without the field, after reading anew which fields there are
	HealOmitValue    Heal = "omit_value"    // without the value
	HealDefaultOwner Heal = "default_owner" // in the name of the connected user
	HealTruncate     Heal = "truncate"      // with texts cut to the fields' length
	HealSplit        Heal = "split"         // in halves, until the record that spoils the call stands alone
	HealSmallerBatch Heal = "smaller_batch" // with fewer records in a call
	HealAlreadyThere Heal = "already_there" // not at all, if the value is our key: it is delivered
	HealAllowSave    Heal = "allow_save"    // with leave to save in spite of duplicate rules
	HealOtherKey     Heal = "other_key"     // without the key field, told apart another way
	HealRestart      Heal = "restart"       // a read, from its start
)

// RefreshesSetup says that reading anew which fields there are may mend it.
func (f Failure) RefreshesSetup() bool { return f.Heal == HealDropField || f.Heal == HealOmitValue }
