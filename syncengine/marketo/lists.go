package marketo

import (
	"context"
	"strconv"
)

// List is a smart or static list, without its members.
type List struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// SmartList returns a smart list's definition, false if there is none.
func (c *Client) SmartList(ctx context.Context, id int64) (List, bool, error) {
	return c.list(ctx, "smart list", "/rest/asset/v1/smartList/"+strconv.FormatInt(id, 10)+".json")
}

// StaticList returns a static list, false if there is none.
func (c *Client) StaticList(ctx context.Context, id int64) (List, bool, error) {
	return c.list(ctx, "static list", "/rest/v1/lists/"+strconv.FormatInt(id, 10)+".json")
}

// list takes the asset API's way of finding nothing: no result, and a warning.
func (c *Client) list(ctx context.Context, operation, path string) (List, bool, error) {
	var lists []List
	_, err := c.call(ctx, request{operation: operation, path: path}, &lists)
	if IsCode(err, CodeNothingFound) {
		return List{}, false, nil
	}
	if err != nil || len(lists) == 0 {
		return List{}, false, err
	}
	return lists[0], true, nil
}
