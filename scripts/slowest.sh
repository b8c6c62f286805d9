#!/bin/sh
# Reads the output of "go test" and says which packages took longest.
awk '
	$1 == "ok" || $1 == "FAIL" && NF > 2 {
		for (i = 3; i <= NF; i++) if ($i ~ /^[0-9.]+s$/) { seconds[$2] = $i + 0; break }
	}
	END {
		print "The slowest packages:"
		for (n = 0; n < 5; n++) {
			slowest = ""
			for (name in seconds) if (slowest == "" || seconds[name] > seconds[slowest]) slowest = name
			if (slowest == "") break
			printf "%8.1f s  %s\n", seconds[slowest], slowest
			delete seconds[slowest]
		}
	}'
