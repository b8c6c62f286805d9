package handlers

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"":                          "/",
		"/":                         "/",
		"/people":                   "/people",
		"/people?q=a%20b&sort=name": "/people?q=a%20b&sort=name",
		"/people/1#part":            "/people/1",
		"people":                    "/",
		"https://evil.example":      "/",
		"//evil.example":            "/",
		"///evil.example":           "/",
		`/\evil.example`:            "/",
		`\\evil.example`:            "/",
		"/\t/evil.example":          "/",
		"/\n//evil.example":         "/",
		"/%2Fevil.example":          "/",
		"javascript:alert(1)":       "/",
		"/signin?next=/signin":      "/",
		"/signout":                  "/",
		"/%zz":                      "/",
	} {
		require.Equal(t, want, localPath(next), "%q", next)
	}
}

func TestNetworkOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.1":            "192.0.2.1",
		"::ffff:192.0.2.1":     "192.0.2.1",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::9":      "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
		"not an address":       "not an address",
	} {
		require.Equal(t, want, networkOf(address), address)
	}
}

func TestHarmless(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"":                         "",
		"Ada":                      "Ada",
		"a=b":                      "a=b",
		"=1+1":                     "'=1+1",
		"+1 (555) 010-7788":        "+1 (555) 010-7788",
		"-":                        "-",
		"+1+cmd|' /C calc'!A0":     "'+1+cmd|' /C calc'!A0",
		"-2+3+cmd":                 "'-2+3+cmd",
		"@SUM(1)":                  "'@SUM(1)",
		"\t=1":                     "'\t=1",
		"\r=1":                     "'\r=1",
		"\n=1":                     "'\n=1",
		"=HYPERLINK(\"http://x\")": "'=HYPERLINK(\"http://x\")",
	} {
		require.Equal(t, want, harmless(value), "%q", value)
	}
}

func TestSiteAddress(t *testing.T) {
	t.Parallel()
	for _, fine := range []string{"https://app-sj01.marketo.com", "http://127.0.0.1:9101", "https://acme.my.salesforce.com/base"} {
		require.True(t, siteAddress(fine), fine)
	}
	for _, wrong := range []string{"", "app-sj01.marketo.com", "javascript:alert(1)", "https://", "//x.example", "https://me:pw@x.example",
		"https://x.example?a=b", "https://x.example#a", "ftp://x.example", "https://x .example"} {
		require.False(t, siteAddress(wrong), wrong)
	}
}

func TestAuditDetails(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{}`:                                 "",
		`{"role":"rep","old_role":"admin"}`:  "old role: admin, role: rep",
		`{"n":9007199254740993,"none":null}`: "n: 9007199254740993, none: none",
		`{"fields":["a","b"],"on":true}`:     `fields: ["a","b"], on: yes`,
		`{"sync_tasks":false}`:               "reminder tasks in step with Salesforce: no",
		`[1]`:                                "[1]",
	} {
		require.Equal(t, want, auditDetails(json.RawMessage(raw)), raw)
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Zoë Ångström", clean(" Zoë\x00 Ångström\xff\n"))
}
