package marketo

import (
	"fmt"
	"strconv"
	"strings"

	"salesactions/sandbox/world"
)

// lists answers about static lists and their members, by either path.
func (s *Server) lists(c *call) (answer, error) {
	static := map[string]any{"id": staticListID, "name": "Owned people", "workspaceName": "Default", "createdAt": "2020-01-01T00:00:00Z", "updatedAt": "2020-01-01T00:00:00Z"}
	path := strings.TrimSuffix(strings.Replace(c.URL.Path, "/rest/v1/list/", "/rest/v1/lists/", 1), ".json")
	switch path {
	case "/rest/v1/lists", fmt.Sprintf("/rest/v1/lists/%d", staticListID):
		return answer{Result: []map[string]any{static}}, nil
	case fmt.Sprintf("/rest/v1/lists/%d/leads/ismember", staticListID):
		return s.isMember(c)
	case fmt.Sprintf("/rest/v1/lists/%d/leads", staticListID):
		names, err := s.fields(c)
		if err != nil {
			return answer{}, err
		}
		s.mu.RLock()
		defer s.mu.RUnlock()
		var members []*lead
		for _, id := range s.order {
			if l := s.people[id]; !l.deleted && l.Values[world.OwnerID] != "" {
				members = append(members, l)
			}
		}
		a, err := page(c, members, names)
		a.MoreResult = nil // this call sends only the token
		return a, err
	}
	return answer{}, refuse("1013", "List not found")
}

// isMember tells for each person given whether the list holds them.
func (s *Server) isMember(c *call) (answer, error) {
	ids := c.list("id")
	if len(ids) == 0 {
		return answer{}, refuse("1002", "Missing required parameter id")
	}
	if len(ids) > maxValues {
		s.limits.violate("more than 300 ids")
		return answer{}, refuse("1003", "Too many ids")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	told := []map[string]any{}
	for _, text := range ids {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return answer{}, refuse("1003", "Invalid value for id")
		}
		status := "notmemberof"
		if l := s.people[id]; l != nil && !l.deleted && l.Values[world.OwnerID] != "" {
			status = "memberof"
		}
		told = append(told, map[string]any{"id": id, "status": status})
	}
	return answer{Result: told}, nil
}

// assets answers about definitions; the asset API warns where it finds nothing.
func (s *Server) assets(c *call) (answer, error) {
	smart := map[string]any{"id": smartListID, "name": "People with owner", "createdAt": "2017-07-27T01:38:33Z+0000"}
	static := map[string]any{"id": staticListID, "name": "Owned people", "createdAt": "2017-07-27T01:38:33Z+0000"}
	path, name := strings.TrimSuffix(c.URL.Path, ".json"), c.params.Get("name")
	switch {
	case path == fmt.Sprintf("/rest/asset/v1/smartList/%d", smartListID), path == "/rest/asset/v1/smartLists",
		path == "/rest/asset/v1/smartList/byName" && name == "People with owner":
		return answer{Result: []map[string]any{smart}}, nil
	case path == "/rest/asset/v1/staticList/byName" && name == "Owned people":
		return answer{Result: []map[string]any{static}}, nil
	}
	return answer{Warnings: []string{"No assets found for the given search criteria."}}, nil
}
