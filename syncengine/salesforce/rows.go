package salesforce

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

var errNoResult = errors.New("the answer is not the result of saving a record")

// Create creates one record and returns its id.
func (c *Client) Create(ctx context.Context, object string, fields map[string]any) (string, error) {
	r := request{operation: "create", method: http.MethodPost, path: c.row(object), body: fields, saves: true}
	var saved SaveResult
	a, err := c.call(ctx, r, &saved)
	if err != nil {
		return "", err
	}
	if !saved.Success || saved.ID == "" {
		return "", r.bad(a.status, errNoResult)
	}
	return saved.ID, nil
}

// Update changes fields of one record. A value of nil clears its field.
func (c *Client) Update(ctx context.Context, object, id string, fields map[string]any) error {
	_, err := c.call(ctx, request{operation: "update", method: http.MethodPatch, path: c.row(object, id), body: fields, saves: true}, nil)
	return err
}

// Upsert changes the record that has a value in an external id field, or creates it,
// unless updateOnly. Neither the field nor an Id may be among fields. Several records
// with the value are the code CodeMultipleChoices (Salesforce REST: sObject rows by
// external id).
func (c *Client) Upsert(ctx context.Context, object, externalField, value string, fields map[string]any, updateOnly bool) (SaveResult, error) {
	r := request{operation: "upsert", method: http.MethodPatch, path: c.row(object, externalField, value), body: fields, saves: true}
	if updateOnly {
		r.query = url.Values{"updateOnly": {"true"}}
	}
	var saved SaveResult
	a, err := c.call(ctx, r, &saved)
	if err != nil {
		return SaveResult{}, err
	}
	if !saved.Success || saved.ID == "" {
		return SaveResult{}, r.bad(a.status, errNoResult)
	}
	return saved, nil
}

// Delete deletes one record. One that was deleted before is ENTITY_IS_DELETED.
func (c *Client) Delete(ctx context.Context, object, id string) error {
	_, err := c.call(ctx, request{operation: "delete", method: http.MethodDelete, path: c.row(object, id)}, nil)
	return err
}

// Read returns fields of one record. One that is unknown, or that the user may not
// see, is NOT_FOUND; one that was deleted ENTITY_IS_DELETED.
func (c *Client) Read(ctx context.Context, object, id string, fields []string) (Record, error) {
	r := request{operation: "read", path: c.row(object, id)}
	if len(fields) > 0 {
		r.query = url.Values{"fields": {strings.Join(fields, ",")}}
	}
	var record Record
	_, err := c.call(ctx, r, &record)
	return record, err
}

// row returns the path of an object and what lies below it.
func (c *Client) row(segments ...string) string {
	path := c.data("/sobjects")
	for _, s := range segments {
		path += "/" + url.PathEscape(s)
	}
	return path
}
