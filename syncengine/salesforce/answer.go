package salesforce

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// ifModified asks for an answer only if there is a newer one.
const ifModified = "If-Modified-Since"

// decode takes an answer apart: the HTTP status decides (Salesforce REST: status codes
// and error responses), and the body must have the shape that goes with it.
func decode(r request, a answer, result any) error {
	switch {
	case a.status == http.StatusMultipleChoices:
		return severalMatch(r, a)
	case a.status == http.StatusNotModified && r.header[ifModified] != "":
		return nil
	case a.status < 200 || a.status > 299:
		return refused(r, a)
	case result == nil:
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(a.raw))
	decoder.UseNumber()
	if err := decoder.Decode(result); err != nil {
		return r.bad(a.status, fmt.Errorf("the answer is not the JSON that Salesforce documents: %w", err))
	}
	return nil
}

// bad is an answer that is not what the documentation says.
func (r request) bad(status int, why error) *Error {
	return &Error{Operation: r.operation, Kind: KindBadAnswer, HTTPStatus: status, RequestSent: true, Write: r.write(), Err: why}
}

// severalMatch is what an external id that is not unique gets: the rows' addresses.
func severalMatch(r request, a answer) error {
	var rows []string
	if err := json.Unmarshal(a.raw, &rows); err != nil {
		return r.bad(a.status, fmt.Errorf("the answer is not the list of rows that Salesforce documents: %w", err))
	}
	return &Error{Operation: r.operation, Kind: KindAPI, HTTPStatus: a.status, RequestSent: true, Write: r.write(),
		Codes: []CodeMessage{{Code: CodeMultipleChoices, Message: fmt.Sprintf("%d records have this external id", len(rows))}}}
}

// refused reads an error. Salesforce's own are a list; what is none comes from a
// gateway, is HTML, text or nothing, and is not repeated.
func refused(r request, a answer) error {
	e := &Error{Operation: r.operation, Kind: KindAPI, HTTPStatus: a.status, RetryAfter: retryAfter(a.header, a.heard), RequestSent: true, Write: r.write()}
	err := json.Unmarshal(a.raw, &e.Codes)
	if err != nil {
		var one CodeMessage // some resources answer with one error and no list
		if json.Unmarshal(a.raw, &one) == nil {
			e.Codes = []CodeMessage{one}
		}
	}
	if len(e.Codes) == 0 || e.Codes[0].Code == "" {
		e.Kind, e.Codes = KindBadAnswer, nil
		e.Err = errors.New("the answer is no error of Salesforce's")
	}
	return e
}

// usageOf reads "api-usage=10018/100000", beside which may stand the usage of one
// app (Salesforce REST: Sforce-Limit-Info).
func usageOf(header http.Header) Usage {
	for part := range strings.FieldsFuncSeq(header.Get("Sforce-Limit-Info"), isSeparator) {
		text, ok := strings.CutPrefix(part, "api-usage=")
		if !ok {
			continue
		}
		used, limit, _ := strings.Cut(text, "/")
		u, err1 := strconv.ParseInt(used, 10, 64)
		m, err2 := strconv.ParseInt(limit, 10, 64)
		if err1 == nil && err2 == nil && u >= 0 && m >= 0 {
			return Usage{Used: u, Max: m, Known: true}
		}
	}
	return Usage{}
}

func isSeparator(r rune) bool { return r == ' ' || r == ',' || r == ';' }
