package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "salesactions"

// Libraries that belong to some packages only.
const (
	echo  = "github.com/labstack/echo/v4"
	gorm  = "gorm.io/gorm"
	river = "github.com/riverqueue/river"
)

// arrow says what a package may import of ours, and which libraries never. A name
// that ends in /... stands for the package and all below it; the first row that
// fits a package counts. Tests may import what they need.
type arrow struct {
	from  string
	to    []string
	never []string
}

// arrows is the picture of the house: whoever wants a new arrow draws it here first.
var arrows = []arrow{
	{from: "", to: []string{"cli"}},
	{from: "cli", to: []string{"..."}},
	{from: "e2e/..."}, // the program from outside
	{from: "web", to: []string{"handlers/...", "models", "static"}, never: []string{river}},
	{from: "handlers/request", to: []string{"models"}, never: []string{river}},
	{from: "handlers/live", never: []string{river, gorm}},
	{from: "handlers/password", never: []string{echo, gorm, river}},
	{from: "handlers/api", to: []string{"handlers/request", "models", "syncengine"}, never: []string{river}},
	{from: "handlers", to: []string{"handlers/...", "models", "syncengine", "views/..."}, never: []string{river}},
	{from: "views/ui", to: []string{"static"}, never: []string{echo, gorm, river}},
	{from: "views/...", to: []string{"views/...", "static"}, never: []string{echo, gorm, river}},
	{from: "static", never: []string{echo, gorm, river}},
	{from: "models", never: []string{echo, river}},
	{from: "migrations", never: []string{echo, gorm}},
	{from: "postgres/postgrestest", to: []string{"migrations", "postgres"}, never: []string{echo, river}},
	{from: "postgres", never: []string{echo, river}},
	{from: "clock", never: []string{echo, gorm, river}},
	{from: "crypt", never: []string{echo, gorm, river}},
	{from: "syncengine", to: []string{"crypt", "models", "syncengine/..."}, never: []string{echo}},
	{from: "syncengine/enginetest", to: []string{"crypt", "models", "postgres", "postgres/postgrestest", "sandbox/marketo", "sandbox/salesforce", "syncengine"}, never: []string{echo, river}},
	{from: "syncengine/marketo", never: []string{echo, gorm, river}},
	{from: "syncengine/salesforce", never: []string{echo, gorm, river}},
	{from: "syncengine/budget", never: []string{echo, gorm, river}},
	{from: "syncengine/failure", to: []string{"syncengine/budget", "syncengine/marketo", "syncengine/salesforce"}, never: []string{echo, gorm, river}},
	{from: "syncengine/people", to: []string{"models", "syncengine/budget", "syncengine/failure", "syncengine/marketo", "syncengine/pauses"}, never: []string{echo}},
	{from: "syncengine/pauses", to: []string{"syncengine/failure"}, never: []string{echo, gorm, river}},
	{from: "syncengine/outbox", to: []string{"models", "syncengine/failure", "syncengine/pauses"}, never: []string{echo, river}},
	{from: "syncengine/org", to: []string{"models", "syncengine/budget", "syncengine/failure", "syncengine/outbox", "syncengine/salesforce"}, never: []string{echo, river}},
	{from: "syncengine/sftask", to: []string{"models", "syncengine/budget", "syncengine/failure", "syncengine/org", "syncengine/outbox", "syncengine/salesforce"}, never: []string{echo, gorm, river}},
	{from: "syncengine/who", to: []string{"models"}, never: []string{echo, river}},
	{from: "syncengine/activities", to: []string{"models", "syncengine/budget", "syncengine/failure", "syncengine/marketo", "syncengine/org", "syncengine/outbox", "syncengine/salesforce", "syncengine/sftask", "syncengine/who"}, never: []string{echo, river}},
	{from: "syncengine/tasks", to: []string{"models", "syncengine/budget", "syncengine/failure", "syncengine/org", "syncengine/outbox", "syncengine/salesforce", "syncengine/sftask"}, never: []string{echo, river}},
	{from: "syncengine/unsubscribes", to: []string{"crypt", "models", "syncengine/budget", "syncengine/failure", "syncengine/marketo", "syncengine/org", "syncengine/outbox", "syncengine/salesforce", "syncengine/who"}, never: []string{echo, river}},
	{from: "syncengine/smartgrid", to: []string{"syncengine/failure", "syncengine/marketo"}, never: []string{echo, gorm, river}},
	{from: "sandbox/...", to: []string{"sandbox/..."}, never: []string{echo, gorm, river}},
}

// listed is a package as go list tells of it.
type listed struct {
	ImportPath string
	Imports    []string
}

func TestImportsFollowThePicture(t *testing.T) {
	t.Parallel()
	packages := listPackages(t)
	require.NotEmpty(t, packages)
	for _, p := range packages {
		name := inModule(p.ImportPath)
		row, found := rowFor(name)
		if !found {
			t.Errorf("%s is not in the table of arrows: say what it may import", name)
			continue
		}
		for _, imported := range p.Imports {
			if !allowed(row, imported) {
				t.Errorf("%s must not import %s", name, imported)
			}
		}
	}
}

func TestTheTableKnowsForbiddenArrows(t *testing.T) {
	t.Parallel()
	for from, to := range map[string]string{
		"sandbox/marketo":    module + "/syncengine/marketo",
		"syncengine/marketo": module + "/models",
		"syncengine/people":  module + "/syncengine",
		"models":             module + "/postgres",
		"web":                module + "/syncengine",
		"handlers":           module + "/syncengine/marketo",
		"views/people":       gorm,
		"syncengine/org":     module + "/syncengine/sftask",
		"syncengine":         echo,
	} {
		row, found := rowFor(from)
		require.True(t, found, from)
		require.False(t, allowed(row, to), "%s → %s", from, to)
	}
}

func listPackages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	require.NoError(t, err)
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		require.NoError(t, err)
		packages = append(packages, p)
	}
}

// inModule is a package's name without the module's; "" is the program itself.
func inModule(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}

func rowFor(name string) (arrow, bool) {
	for _, row := range arrows {
		if fits(row.from, name) {
			return row, true
		}
	}
	return arrow{}, false
}

func allowed(row arrow, imported string) bool {
	if imported != module && !strings.HasPrefix(imported, module+"/") {
		for _, library := range row.never {
			if fits(library+"/...", imported) {
				return false
			}
		}
		return true
	}
	if inModule(imported) == "clock" && !strings.HasPrefix(row.from, "sandbox") { // time reaches everything
		return true
	}
	for _, pattern := range row.to {
		if fits(pattern, inModule(imported)) {
			return true
		}
	}
	return false
}

func fits(pattern, name string) bool {
	if pattern == "..." {
		return true
	}
	folder, below := strings.CutSuffix(pattern, "/...")
	return name == folder || below && strings.HasPrefix(name, folder+"/")
}
