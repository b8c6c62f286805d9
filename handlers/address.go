package handlers

import "net/url"

// siteAddress says whether a text is the address of a web site, safe to link to.
func siteAddress(text string) bool {
	site, err := url.Parse(text)
	return err == nil && webPage(text) && site.RawQuery == "" && site.Fragment == "" && len(text) <= maxParam
}

// webPage says whether a text is the address of a web page.
func webPage(text string) bool {
	page, err := url.Parse(text)
	return err == nil && (page.Scheme == "https" || page.Scheme == "http") && page.Host != "" && page.User == nil
}
