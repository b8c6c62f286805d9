package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAuthBody is the most of the token service's answer that is read.
const maxAuthBody = 1 << 20

// Identity is the user whose a token is, and the org (Salesforce Help: identity URLs).
type Identity struct {
	UserID      string `json:"user_id"`
	OrgID       string `json:"organization_id"`
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
	Email       string `json:"email"`
}

// Errors of CheckLoginURL.
var (
	ErrNoAddress = errors.New("not an address like https://login.salesforce.com or https://acme.my.salesforce.com")
	ErrLightning = errors.New("the address of Salesforce's pages, not the My Domain that ends in .my.salesforce.com")
	ErrNotHTTPS  = errors.New("the address must begin with https://")
)

// CheckLoginURL returns an address as people copy it without a slash at its end, or
// one of the errors above. Plain HTTP is for this machine only.
func CheckLoginURL(address string) (string, error) {
	text := strings.TrimSpace(address)
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", ErrNoAddress
	}
	host := strings.ToLower(u.Host)
	switch {
	case strings.HasSuffix(strings.ToLower(u.Hostname()), ".lightning.force.com"):
		return "", ErrLightning
	case u.Scheme == "http" && !isThisMachine(u.Hostname()):
		return "", ErrNotHTTPS
	}
	return u.Scheme + "://" + host + strings.TrimRight(u.Path, "/"), nil
}

func isThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// post sends a form to the token service.
func (o OAuth) post(ctx context.Context, operation, path string, form url.Values) (int, []byte, error) {
	if _, err := CheckLoginURL(o.LoginURL); err != nil {
		return 0, nil, fmt.Errorf("salesforce %s: the login address: %w", operation, err)
	}
	req, err := http.NewRequest(http.MethodPost, o.address(path), strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, fmt.Errorf("salesforce %s: the login address: %w", operation, ErrNoAddress)
	}
	req.GetBody = nil // a refresh token that is sent twice may end the connection
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return o.do(ctx, operation, req)
}

// do makes a call of the token service and reads its refusals.
func (o OAuth) do(ctx context.Context, operation string, req *http.Request) (int, []byte, error) {
	ctx, cancel := withLimit(ctx, timeToken)
	defer cancel()
	ctx, noteSent := withSent(ctx, false) // in doubt is a token and never a record
	req = req.WithContext(context.WithValue(ctx, operationKey{}, operation))
	req.Header.Set("Accept", "application/json")
	hc := o.HTTP
	if hc == nil {
		hc = http.DefaultClient
	}
	resp, err := withoutRedirects(hc).Do(unrepeatable(req))
	if err != nil {
		return 0, nil, noteSent(&Error{Operation: operation, Kind: KindTransport, Err: reason(ctx, err)})
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAuthBody))
	if err != nil {
		return resp.StatusCode, nil, noteSent(brokeOff(ctx, operation, resp, o.Clock.Now(), err))
	}
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, nil, noteSent(authRefused(operation, resp, o.Clock.Now(), raw))
	}
	return resp.StatusCode, raw, nil
}

// authRefused reads {"error", "error_description"}, and the identity service's bare
// words such as Bad_OAuth_Token.
func authRefused(operation string, resp *http.Response, now time.Time, raw []byte) error {
	e := &Error{Operation: operation, Kind: KindAuth, HTTPStatus: resp.StatusCode, RetryAfter: retryAfter(resp.Header, now)}
	var said struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(raw, &said) == nil && said.Code != "" {
		e.Codes = []CodeMessage{{Code: cut(said.Code), Message: cut(said.Description)}}
		return e
	}
	if word := strings.TrimSpace(string(raw)); resp.StatusCode == http.StatusForbidden && isWord(word) {
		e.Codes = []CodeMessage{{Code: word}}
		return e
	}
	e.Kind, e.Err = KindBadAnswer, errors.New("the answer is no error of the token service")
	return e
}

func isWord(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool { return r != '_' && isNoIDRune(r) })
}

// Identity returns whose a grant is.
func (o OAuth) Identity(ctx context.Context, g Grant) (Identity, error) {
	const operation = "identity"
	if err := o.trusts(g); err != nil {
		return Identity{}, fmt.Errorf("salesforce %s: %w", operation, err)
	}
	req, err := http.NewRequest(http.MethodGet, g.IDURL+"?format=json", nil)
	if err != nil {
		return Identity{}, fmt.Errorf("salesforce %s: %w", operation, ErrNoAddress)
	}
	req.Header.Set("Authorization", "Bearer "+g.Access)
	status, raw, err := o.do(ctx, operation, req)
	if err != nil {
		return Identity{}, err
	}
	var who Identity
	if err := json.Unmarshal(raw, &who); err != nil || who.UserID == "" || who.OrgID == "" {
		return Identity{}, request{operation: operation}.bad(status, errors.New("the answer does not tell whose the token is"))
	}
	return who, nil
}

// trusts keeps the token from being sent elsewhere: the identity lies on the login
// host, on the instance, or on another of Salesforce's.
func (o OAuth) trusts(g Grant) error {
	address, err := CheckLoginURL(g.IDURL)
	if err != nil {
		return fmt.Errorf("the identity's address: %w", err)
	}
	for _, known := range []string{o.LoginURL, g.Instance} {
		if root, err := CheckLoginURL(known); err == nil && strings.HasPrefix(address, root+"/") {
			return nil
		}
	}
	u, err := url.Parse(address)
	if err == nil && u.Scheme == "https" && strings.HasSuffix(u.Hostname(), ".salesforce.com") {
		return nil
	}
	return errors.New("the identity's address is not Salesforce's")
}
