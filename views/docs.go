package views

// DocsProps are the API, readable.
type DocsProps struct {
	Page       Page
	Intro      string
	Operations []Operation
}

// Operation is a call of the API.
type Operation struct {
	Method, Path, Summary, Text, Access string
	Parameters                          []Parameter
	Example                             string // JSON of an answer
}

// Parameter is one of a call's.
type Parameter struct{ Name, In, Text string }
