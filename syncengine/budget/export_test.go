package budget

// Classes is the table of purposes, for tests to walk.
var Classes = classes
