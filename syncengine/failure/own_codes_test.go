package failure_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine/failure"
)

// TestOurOwnReasonsAreInTheTableOfCodes reads the engine's code: a reason that is made
// there and not in the table would be missing from the page of all codes.
func TestOurOwnReasonsAreInTheTableOfCodes(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, entry := range failure.Codes() {
		listed[entry.System+" "+entry.Code] = true
	}
	made := regexp.MustCompile(`failure\.Own(Marketo|Salesforce)\("(\w+)"\)|PausedError\{[^}]*Code: "(\w+)"`)
	found := 0
	require.NoError(t, filepath.WalkDir("..", func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range made.FindAllStringSubmatch(string(text), -1) {
			found++
			system := strings.ToLower(m[1])
			if m[3] != "" { // in words of its own
				require.True(t, listed["marketo "+m[3]] || listed["salesforce "+m[3]], "%s: the code %s is not listed", path, m[3])
				continue
			}
			require.True(t, listed[system+" "+m[2]], "%s: the code %s is not listed", path, m[2])
		}
		return err
	}))
	require.GreaterOrEqual(t, found, 6)
}
