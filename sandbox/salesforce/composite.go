package salesforce

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// Limits of a composite call (Salesforce REST: composite).
const (
	maxParts   = 25
	maxQueries = 5
)

// composite makes several calls that count as one.
func (s *Server) composite(c *call) (int, any, error) {
	var in struct {
		Parts []struct {
			Method      string          `json:"method"`
			URL         string          `json:"url"`
			ReferenceID string          `json:"referenceId"`
			Body        json.RawMessage `json:"body"`
		} `json:"compositeRequest"`
	}
	if json.Unmarshal(c.body, &in) != nil {
		return 0, nil, fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "The HTTP entity body cannot be read.")
	}
	heavy := 0
	for _, p := range in.Parts {
		if strings.Contains(p.URL, "/query") || strings.Contains(p.URL, "/composite/sobjects") {
			heavy++
		}
	}
	if len(in.Parts) > maxParts || heavy > maxQueries {
		s.limits.violate("too many parts of a composite call")
		return 0, nil, fail(http.StatusBadRequest, "INVALID_INPUT", "Too many subrequests")
	}
	responses := []any{}
	for _, p := range in.Parts {
		status, body, err := s.part(c, p.Method, p.URL, p.Body)
		var failed *restError
		if errors.As(err, &failed) {
			status, body = failed.status, []any{map[string]any{"message": failed.message, "errorCode": failed.code}}
		} else if err != nil {
			return 0, nil, err
		}
		responses = append(responses, map[string]any{"body": body, "httpHeaders": map[string]string{}, "httpStatusCode": status, "referenceId": p.ReferenceID})
	}
	return http.StatusOK, map[string]any{"compositeResponse": responses}, nil
}

func (s *Server) part(c *call, method, address string, body []byte) (int, any, error) {
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(u.Path, "/services/data/v") {
		return 0, nil, fail(http.StatusBadRequest, "INVALID_INPUT", "Invalid url")
	}
	if len(address) > maxURI {
		s.limits.violate("address over 16,384 bytes")
		return 0, nil, fail(http.StatusRequestURITooLong, "URI_TOO_LONG", "URI too long")
	}
	request := c.Request.Clone(c.Context())
	request.Method, request.URL = method, u
	inner := *c
	inner.Request, inner.body = request, body
	_, rest, _ := strings.Cut(strings.TrimPrefix(u.Path, "/services/data/v"), "/")
	inner.rest = "/" + rest
	planned, err := s.route(&inner)
	if err != nil {
		return 0, nil, err
	}
	return s.perform(&inner, planned)
}
