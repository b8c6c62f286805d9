#!/bin/sh
# Makes sure that a program is there: "need.sh postgres" or "need.sh chromium".
# As root on Debian it installs what is missing; otherwise it says what to do.
set -eu

find_postgres() {
	command -v postgres >/dev/null 2>&1 && return 0
	ls "$(pg_config --bindir 2>/dev/null)/postgres" >/dev/null 2>&1 && return 0
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1
}

find_chromium() {
	command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1
}

install() {
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
		return 1
	fi
	echo "Installing $* …" >&2
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq >/dev/null
	apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

case "$1" in
postgres)
	find_postgres && exit 0
	# Only the programs are wanted, no server of the system's own.
	if [ "$(id -u)" = 0 ] && [ -d /etc ]; then
		mkdir -p /etc/postgresql-common/createcluster.d
		echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/salesactions.conf
	fi
	install postgresql postgresql-contrib || true
	find_postgres && exit 0
	echo "The PostgreSQL server programs (14 or newer) are missing: install them (on Debian, as root: apt-get install postgresql)." >&2
	exit 1
	;;
chromium)
	find_chromium && exit 0
	install chromium || true
	find_chromium && exit 0
	echo "Chromium is missing, which the browser tests drive: install it (on Debian, as root: apt-get install chromium)." >&2
	exit 1
	;;
esac
