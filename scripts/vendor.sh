#!/bin/sh
# Copies the third-party scripts from their npm packages to where the build embeds
# them, and axe to where the browser tests find it.
set -eu
cd "$(dirname "$0")/.."

if [ -f static/vendor/.stamp ] && cmp -s package-lock.json static/vendor/.stamp; then
	exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
	echo "npm is missing: install Node.js 20 or newer (on Debian: apt-get install nodejs npm)." >&2
	exit 1
fi
npm ci --no-audit --no-fund --loglevel=error
mkdir -p static/vendor e2e/vendor
cp node_modules/htmx.org/dist/htmx.min.js static/vendor/htmx.min.js
cp node_modules/htmx.org/dist/ext/hx-sse.min.js static/vendor/hx-sse.min.js
cp node_modules/axe-core/axe.min.js e2e/vendor/axe.min.js
cp package-lock.json static/vendor/.stamp
