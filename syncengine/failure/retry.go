package failure

// Retry says when a failed call is retried automatically.
type Retry string

// The ways. The zero value says nothing, as there is no failure.
const (
	Never Retry = "never" // not before a person has mended it
	Soon  Retry = "soon"  // with a growing, jittered pause
	Slow  Retry = "slow"  // every hour or more seldom
)

// Heal is what a deliverer changes about a row, once, before it sends the row again.
// Retry holds if that does not help. Each remedy has a deliverer that reads it.
type Heal string

// The remedies. The zero value is none.
const (
	HealFollowRecord Heal = "follow_record" // to the record that this one became, by a merge or a conversion
	HealDropField    Heal = "drop_field"    // without the field, after reading again which fields there are
	HealOmitValue    Heal = "omit_value"    // without the value
	HealDefaultOwner Heal = "default_owner" // in the name of the connected user
	HealTruncate     Heal = "truncate"      // with texts cut to the fields' length
	HealSmallerBatch Heal = "smaller_batch" // with fewer records in a call
	HealAllowSave    Heal = "allow_save"    // with leave to save in spite of duplicate rules
)

// RefreshesSetup says that reading again which fields there are may mend it.
func (f Failure) RefreshesSetup() bool { return f.Heal == HealDropField || f.Heal == HealOmitValue }
