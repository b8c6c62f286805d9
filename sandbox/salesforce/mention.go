package salesforce

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
)

// mention is how a part of a composite call refers to the answer of one before it:
// @{task.id}, @{found.records[0].Id}, @{saved[1].id}.
var mention = regexp.MustCompile(`@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[[0-9]+\])+)\}`)

var mentionStep = regexp.MustCompile(`\.([A-Za-z0-9_]+)|\[([0-9]+)\]`)

// mentioned are the parts that a part refers to.
func mentioned(p *part) []string {
	var names []string
	for _, found := range mention.FindAllStringSubmatch(p.URL+" "+string(p.Body), -1) {
		names = append(names, found[1])
	}
	return names
}

// filled is a part's address and body with the values that it refers to. Who refers
// to what failed, or to nothing, is not made.
func (m *composite) filled(p *part) (string, []byte, error) {
	if len(p.mentions) == 0 {
		return p.URL, p.Body, nil
	}
	var failed error
	value := func(text string) any {
		v, err := m.valueOf(p, text)
		if err != nil {
			failed = err
		}
		return v
	}
	address := mention.ReplaceAllStringFunc(p.URL, func(text string) string { return fmt.Sprint(value(text)) })
	body := []byte(p.Body)
	if mention.Match(body) {
		var tree any
		if readNumbers(body, &tree) != nil {
			return "", nil, fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "The HTTP entity body cannot be read.")
		}
		var err error
		if body, err = json.Marshal(replaced(tree, value)); err != nil {
			return "", nil, fmt.Errorf("write the body of %s: %w", p.Name, err)
		}
	}
	return address, body, failed
}

// replaced fills in the texts of a JSON value. One that is nothing but a reference has
// the type of what it refers to.
func replaced(tree any, value func(text string) any) any {
	switch at := tree.(type) {
	case string:
		if mention.FindString(at) == at && at != "" {
			return value(at)
		}
		return mention.ReplaceAllStringFunc(at, func(text string) string { return fmt.Sprint(value(text)) })
	case []any:
		for i := range at {
			at[i] = replaced(at[i], value)
		}
	case map[string]any:
		for name := range at {
			at[name] = replaced(at[name], value)
		}
	}
	return tree
}

// valueOf is the value that a reference means.
func (m *composite) valueOf(p *part, text string) (any, error) {
	found := mention.FindStringSubmatch(text)
	name, path := found[1], found[2]
	for _, before := range m.parts[:p.place] {
		if before.Name != name || !before.answered || before.status >= http.StatusBadRequest {
			continue
		}
		raw, err := json.Marshal(before.result)
		if err != nil {
			return nil, fmt.Errorf("read the answer of %s: %w", name, err)
		}
		var at any
		if err := readNumbers(raw, &at); err != nil {
			return nil, fmt.Errorf("read the answer of %s: %w", name, err)
		}
		for _, step := range mentionStep.FindAllStringSubmatch(path, -1) {
			at = stepInto(at, step[1], step[2])
		}
		if at != nil {
			return at, nil
		}
	}
	return nil, fail(http.StatusBadRequest, "PROCESSING_HALTED", "Invalid reference specified. No value for "+name+path+" found in "+name)
}

// stepInto is a member of an object, or an element of a list; nil if it is not there.
func stepInto(at any, member, index string) any {
	if object, ok := at.(map[string]any); ok {
		return object[member]
	}
	list, _ := at.([]any)
	if i, err := strconv.Atoi(index); err == nil && i < len(list) {
		return list[i]
	}
	return nil
}

// readNumbers reads JSON with numbers as they are written.
func readNumbers(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return decoder.Decode(into)
}
