// Package static holds what browsers load beside the pages: styles, scripts and
// the third-party scripts that the build copies from their npm packages. Each file
// has its fingerprint in its address and may be kept for ever. Without the
// third-party scripts the pages still work.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed css js all:vendor
var files embed.FS

// bundles are what pages load: few requests, each of several files in order. Each
// style sheet names its own layer, whose order the first one states.
var bundles = map[string][]string{
	"app.css": {"css/layers.css", "css/reset.css", "css/tokens.css", "css/base.css", "css/layout.css", "css/components.css", "css/table.css", "css/forms.css", "css/pages.css", "css/activity.css", "css/tasks.css", "css/diagnostics.css", "css/logging.css", "css/unsubscribes.css", "css/grid.css", "css/today.css", "css/utilities.css"},
	"app.js":  {"js/search.js", "js/palette.js", "js/times.js", "js/zone.js", "js/menu.js", "js/copy.js", "js/confirm.js", "js/insert.js", "js/grid.js"},
	"htmx.js": {"vendor/htmx.min.js", "vendor/hx-sse.min.js"},
}

// asset is a bundle with its fingerprint.
type asset struct {
	body []byte
	url  string
}

// assets are made once, at the first use.
var assets = sync.OnceValue(func() map[string]asset {
	made := make(map[string]asset, len(bundles))
	for name, parts := range bundles {
		var body bytes.Buffer
		for _, part := range parts {
			raw, err := fs.ReadFile(files, part)
			if err != nil {
				continue // a third-party script that the build did not bring
			}
			if strings.HasPrefix(part, "js/") {
				raw = fmt.Appendf(nil, "{\n%s\n}", raw) // a scope of its own
			}
			body.Write(raw)
			body.WriteByte('\n')
		}
		sum := sha256.Sum256(body.Bytes())
		ext := path.Ext(name)
		url := "/static/" + strings.TrimSuffix(name, ext) + "-" + hex.EncodeToString(sum[:6]) + ext
		made[name] = asset{body: body.Bytes(), url: url}
	}
	return made
})

// URL returns the address of a bundle, such as "app.css".
func URL(name string) string { return assets()[name].url }

// types are the content types by ending.
var types = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

// Handler serves the bundles under /static/.
func Handler() http.Handler {
	byURL := make(map[string]asset)
	for _, a := range assets() {
		byURL[a.url] = a
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := byURL[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", types[path.Ext(r.URL.Path)])
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		// A browser that went away needs no answer.
		_, _ = w.Write(a.body)
	})
}
