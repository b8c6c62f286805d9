package activities

import (
	"testing"

	"salesactions/postgres/postgrestest"
)

func TestMain(m *testing.M) {
	postgrestest.Widen(2) // most wait for what goes on in the background
	postgrestest.Main(m)
}
