package marketo

import (
	"context"
	"slices"
)

// Field is a field of people that an instance has.
type Field struct {
	Name        string // the REST name, stable for standard fields
	DisplayName string // as admins may rename it
	DataType    string
	Length      int
	Updateable  bool
	CRMManaged  bool
	Searchable  bool // may be a filterType
}

// Fields returns the fields that can be asked for. The newer describe is worded as
// if it held only searchable fields, though it was seen to hold all; the older one
// adds what it lacks (Marketo REST: describe, describe2).
func (c *Client) Fields(ctx context.Context) ([]Field, error) {
	var newer []struct {
		SearchableFields [][]string `json:"searchableFields"`
		Fields           []struct {
			Name        string `json:"name"`
			DisplayName string `json:"displayName"`
			DataType    string `json:"dataType"`
			Length      int    `json:"length"`
			Updateable  bool   `json:"updateable"`
			CRMManaged  bool   `json:"crmManaged"`
		} `json:"fields"`
	}
	if _, err := c.call(ctx, request{operation: "describe2", path: "/rest/v1/leads/describe2.json"}, &newer); err != nil {
		return nil, err
	}
	var fields []Field
	for _, object := range newer {
		for _, f := range object.Fields {
			searchable := slices.ContainsFunc(object.SearchableFields, func(key []string) bool { return len(key) == 1 && key[0] == f.Name })
			fields = append(fields, Field{f.Name, f.DisplayName, f.DataType, f.Length, f.Updateable, f.CRMManaged, searchable})
		}
	}
	older, err := c.describe(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range older {
		if !slices.ContainsFunc(fields, func(has Field) bool { return has.Name == f.Name }) {
			fields = append(fields, f)
		}
	}
	return fields, nil
}

func (c *Client) describe(ctx context.Context) ([]Field, error) {
	var answer []struct {
		DisplayName string `json:"displayName"`
		DataType    string `json:"dataType"`
		Length      int    `json:"length"`
		REST        *struct {
			Name     string `json:"name"`
			ReadOnly bool   `json:"readOnly"`
		} `json:"rest"`
	}
	if _, err := c.call(ctx, request{operation: "describe", path: "/rest/v1/leads/describe.json"}, &answer); err != nil {
		return nil, err
	}
	var fields []Field
	for _, f := range answer {
		if f.REST != nil && f.REST.Name != "" { // others cannot be reached by REST
			fields = append(fields, Field{Name: f.REST.Name, DisplayName: f.DisplayName, DataType: f.DataType, Length: f.Length, Updateable: !f.REST.ReadOnly})
		}
	}
	return fields, nil
}
