package people

import (
	"testing"

	"salesactions/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }
