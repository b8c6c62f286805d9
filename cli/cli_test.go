package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// key is a key that secrets of tests are sealed with.
var key = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))

// run executes a command to its end.
func run(t *testing.T, in string, args ...string) (code int, out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = Execute(t.Context(), args, strings.NewReader(in), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestWrongUsageIsToldInOneLineWithCode2(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"no-such-command"}, {"serve", "extra"}, {"serve", "--no-such-flag"}, {"serve", "--role", "boss"},
		{"serve", "--marketo-rate", "many"}, {"serve", "--task-poll-interval", "99ms"}, {"serve", "--task-poll-interval", "soon"}, {"serve", "--marketo-rate", "0"}, {"serve", "--marketo-endpoint", "https://example.com"},
		{"sync"}, {"sync", "stop"}, {"user"}, {"user", "remove"}, {"user", "add", "--email", "nobody"},
		{"user", "add", "--email", "ada@example.com", "--role", "king"}, {"token"}, {"token", "add"},
		{"token", "add", "--name", "ci", "--scope", "all"}, {"sandbox", "--quota", "some"}, {"migrate", "--log", "xml"},
		{"migrate", "--log-level", "loud"}, {"demo", "--database-url", "postgres://localhost/real"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			code, out, told := run(t, "", args...)
			require.Equal(t, 2, code, told)
			require.Empty(t, out)
			require.Regexp(t, `^salesactions: [^\n]+\n$`, told)
		})
	}
}

func TestAnErrorIsOneLineWithCode1(t *testing.T) {
	t.Parallel()
	code, _, told := run(t, "", "token", "add", "--name", "ci", "--database-url", "postgres://nobody:secret@127.0.0.1:1/none")
	require.Equal(t, 1, code)
	require.Regexp(t, `^salesactions: [^\n]+\n$`, told)
	require.NotContains(t, told, "secret")
}

func TestHelpNamesTheVariableOfEachFlag(t *testing.T) {
	t.Parallel()
	_, help, _ := run(t, "", "serve", "--help")
	for flag, variable := range variables {
		require.Regexp(t, `--`+flag+` .*\[\$`+variable+`\]`, help)
	}
}

// parse gives a command its flags and the environment's, as the program does.
func parse(t *testing.T, args ...string) (*cobra.Command, error) {
	t.Helper()
	root := newRoot(clockwork.NewRealClock())
	command, rest, err := root.Find(args)
	require.NoError(t, err)
	require.NoError(t, command.ParseFlags(rest))
	return command, root.PersistentPreRunE(command, nil)
}

func value(t *testing.T, flags *pflag.FlagSet, name string) string {
	t.Helper()
	require.NotNil(t, flags.Lookup(name))
	return flags.Lookup(name).Value.String()
}

func TestEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("from the file\n"), 0o600))
	t.Setenv("MARKETO_RATE", "40")
	t.Setenv("SALESACTIONS_ADDR", "127.0.0.1:9000")
	t.Setenv("MARKETO_CLIENT_SECRET", "")
	t.Setenv("MARKETO_CLIENT_SECRET_FILE", file)
	t.Setenv("DATABASE_URL", "postgres://localhost/real")
	t.Setenv("SALESACTIONS_DATA_DIR", "/var/lib/real")

	t.Run("a variable stands for its flag", func(t *testing.T) {
		command, err := parse(t, "serve")
		require.NoError(t, err)
		require.Equal(t, "40", value(t, command.Flags(), "marketo-rate"))
		require.Equal(t, "postgres://localhost/real", value(t, command.Flags(), "database-url"))
	})
	t.Run("a flag counts more", func(t *testing.T) {
		command, err := parse(t, "serve", "--marketo-rate", "30")
		require.NoError(t, err)
		require.Equal(t, "30", value(t, command.Flags(), "marketo-rate"))
	})
	t.Run("a secret may lie in a file", func(t *testing.T) {
		command, err := parse(t, "serve")
		require.NoError(t, err)
		require.Equal(t, "from the file", value(t, command.Flags(), "marketo-client-secret"))
	})
	t.Run("demo and benchmark leave the real deployment alone", func(t *testing.T) {
		for _, name := range []string{"demo", "bench"} {
			command, err := parse(t, name)
			require.NoError(t, err)
			for _, flag := range []string{"database-url", "data-dir", "marketo-client-secret"} {
				require.Empty(t, value(t, command.Flags(), flag), name+" --"+flag)
			}
		}
	})
	t.Run("the demo listens where it is told", func(t *testing.T) {
		command, err := parse(t, "demo")
		require.NoError(t, err)
		require.Equal(t, "127.0.0.1:9000", value(t, command.Flags(), "addr"))
	})
	t.Run("a malformed one is named", func(t *testing.T) {
		t.Setenv("SYNC_POLL_INTERVAL", "soon")
		_, err := parse(t, "serve")
		require.ErrorAs(t, err, new(usageError))
		require.EqualError(t, err, `SYNC_POLL_INTERVAL cannot be used: "soon" is no duration`)
	})
}

func TestTheDemoRefusesTheFolderOfAnotherWorkspace(t *testing.T) {
	t.Parallel()
	mine, theirs := filepath.Join(t.TempDir(), "mine"), t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(theirs, "postgres"), 0o700))
	require.ErrorContains(t, claimFolder(theirs), "is no demo")
	require.NoError(t, claimFolder(mine))
	require.NoError(t, os.Mkdir(filepath.Join(mine, "postgres"), 0o700))
	require.NoError(t, claimFolder(mine), "at the next start")
}

func TestTheSecretKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret.key")
	var made [8]string
	var errs [8]error
	var programs sync.WaitGroup
	for i := range made {
		programs.Go(func() { made[i], errs[i] = keyInFolder(path) })
	}
	programs.Wait()
	for i := range made {
		require.NoError(t, errs[i])
		require.Equal(t, made[0], made[i])
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing but the key stays")
}

func TestTokenAdd(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	code, out, told := run(t, "", "token", "add", "--name", "dialer", "--scope", "read", "--database-url", url)
	require.Equal(t, 0, code, told)
	require.Empty(t, told)
	token, err := models.FindAPIToken(t.Context(), open(t, url).Gorm, strings.TrimSuffix(out, "\n"))
	require.NoError(t, err)
	require.Equal(t, models.ScopeRead, token.Scope)
}

func TestUserAdd(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := open(t, url).Gorm
	t.Run("with a password", func(t *testing.T) {
		code, out, told := run(t, "correct horse battery\n", "user", "add", "--email", "Ada@Example.com", "--role", "admin", "--name", "Ada", "--database-url", url)
		require.Equal(t, 0, code, told)
		require.Empty(t, out)
		user, err := models.FindUserByEmail(t.Context(), db, "ada@example.com")
		require.NoError(t, err)
		require.Equal(t, models.RoleAdmin, user.Role)
		require.NotNil(t, user.PasswordHash)
	})
	t.Run("by invitation", func(t *testing.T) {
		code, out, told := run(t, "", "user", "add", "--email", "rita@example.com", "--base-url", "https://sales.example.com/", "--database-url", url)
		require.Equal(t, 0, code, told)
		link := regexp.MustCompile(`^https://sales\.example\.com/invitations/(\w+)\n$`).FindStringSubmatch(out)
		require.Len(t, link, 2, out)
		invited, err := models.FindInvited(t.Context(), db, link[1], time.Now())
		require.NoError(t, err)
		require.Equal(t, "rita@example.com", invited.Email)
	})
	t.Run("not twice", func(t *testing.T) {
		code, _, told := run(t, "", "user", "add", "--email", "ada@example.com", "--database-url", url)
		require.Equal(t, 1, code)
		require.Contains(t, told, "already")
	})
	t.Run("not with a short password", func(t *testing.T) {
		code, _, _ := run(t, "short\n", "user", "add", "--email", "eve@example.com", "--database-url", url)
		require.Equal(t, 1, code)
		_, err := models.FindUserByEmail(t.Context(), db, "eve@example.com")
		require.ErrorIs(t, err, models.ErrNotFound)
	})
}

func open(t *testing.T, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, postgres.Options{})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	url := postgrestest.EmptyURL(t)
	code, _, told := run(t, "", "token", "add", "--name", "early", "--database-url", url)
	require.Equal(t, 1, code)
	require.Contains(t, told, "salesactions migrate")
	for range 2 {
		code, _, told = run(t, "", "migrate", "--database-url", url)
		require.Equal(t, 0, code, told)
	}
	code, _, told = run(t, "", "token", "add", "--name", "late", "--database-url", url)
	require.Equal(t, 0, code, told)
}

func TestSync(t *testing.T) {
	t.Parallel()
	given := []string{"--database-url", postgrestest.URL(t), "--secret-key", key}
	code, _, told := run(t, "", append([]string{"sync", "start"}, given...)...)
	require.Equal(t, 1, code)
	require.Contains(t, told, "Marketo is not connected")
	code, out, told := run(t, "", append([]string{"sync", "status", "--json"}, given...)...)
	require.Equal(t, 0, code, told)
	require.JSONEq(t, `{"state":"idle","run":null,"runs":[],"lag_seconds":null,"trouble":null}`, out)
	code, _, told = run(t, "", "sync", "status", "--database-url", given[1])
	require.Equal(t, 1, code)
	require.Contains(t, told, "SALESACTIONS_SECRET_KEY")
}

func TestServe(t *testing.T) {
	t.Parallel()
	for role, want := range map[string]map[string]int{
		"all":    {"/healthz": 200, "/readyz": 200, "/metrics": 200, "/signin": 200, "/api/v1/people": 401},
		"web":    {"/readyz": 200, "/signin": 200},
		"worker": {"/healthz": 200, "/readyz": 200, "/metrics": 200, "/signin": 404, "/api/v1/people": 404},
	} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			site, stop := serving(t, "--role", role)
			for path, status := range want {
				resp, err := http.Get(site + path)
				require.NoError(t, err)
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, status, resp.StatusCode, path)
				if path == "/metrics" {
					require.NotRegexp(t, `(?m)^(go|process)_`, string(body), "all names are the program's")
				}
			}
			require.Equal(t, 0, stop())
		})
	}
}

// serving runs "serve" on a database of its own; stop ends it and returns its code.
func serving(t *testing.T, args ...string) (site string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	exited := make(chan int, 1)
	given := append([]string{"serve", "--addr", "127.0.0.1:0", "--database-url", postgrestest.URL(t), "--secret-key", key}, args...)
	go func() {
		code := Execute(ctx, given, strings.NewReader(""), io.Discard, writer)
		_ = writer.Close()
		exited <- code
	}()
	var seen bytes.Buffer
	log := io.TeeReader(reader, &seen)
	ready := regexp.MustCompile(`url=(\S+)`)
	for buffer := make([]byte, 4096); site == ""; {
		_, err := log.Read(buffer)
		require.NoError(t, err, seen.String())
		if found := ready.FindSubmatch(seen.Bytes()); found != nil {
			site = string(found[1])
		}
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	return site, func() int { cancel(); return <-exited }
}
