package unsubscribes_test

import (
	"testing"

	"salesactions/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }
