package soql

import "iter"

// Kind is how a field's values compare and which literals it takes.
type Kind int

// Kinds of fields. Rows give nil for null in each of them, else the type beside it.
const (
	String   Kind = iota // string; picklists, e-mail addresses and the like too
	ID                   // string of 18 characters; references too
	Boolean              // bool
	Number               // int or float64
	Date                 // time.Time, midnight UTC
	DateTime             // time.Time
)

// Field is what the language must know of a field.
type Field struct {
	// Name is the field's name as the schema writes it.
	Name string
	Kind Kind
	// NoFilter marks fields such as Description, which WHERE refuses.
	NoFilter bool
	// NoSort marks fields that ORDER BY refuses.
	NoSort bool
	// CaseSensitive makes strings compare letter by letter.
	CaseSensitive bool
}

// Schema finds objects by name, in any case of letters.
type Schema interface {
	Object(name string) (Object, bool)
}

// Object tells of its fields and parents, found in any case of letters.
type Object interface {
	Name() string
	Field(name string) (Field, bool)
	// Fields are the names that FIELDS(ALL) stands for, in order.
	Fields() []string
	// Parent is where a relationship such as Owner or Who leads, and its name as the
	// schema writes it. One that leads to several objects gives an object of its own
	// with the fields common to them, as Salesforce's Name is.
	Parent(relationship string) (Object, string, bool)
}

// Row is a record. Names are those of the schema.
type Row interface {
	Get(field string) any
	// Parent is the record that a relationship leads to, nil when there is none.
	Parent(relationship string) Row
}

// Rows hands out the records of the query's object: all, or less when the query's
// Constraint says so. It is asked again for each semi-join.
type Rows func(q *Query) iter.Seq[Row]
