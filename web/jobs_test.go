package web

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"salesactions/models"
)

func TestJobsAreForAdmins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signedIn(b.addUser("rita@example.com", models.RoleRep)).get("/settings/jobs/").status(http.StatusForbidden)
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	admin.get("/settings/jobs").redirects("/settings/jobs/")

	page := admin.get("/settings/jobs/").status(http.StatusOK)
	require.Equal(t, jobsPolicy, page.Header.Get(echo.HeaderContentSecurityPolicy))
	require.Equal(t, policy, admin.get("/settings").Header.Get(echo.HeaderContentSecurityPolicy), "for that path alone")
	script, ok := page.doc.Find("script[type=module]").Attr("src")
	require.True(t, ok)
	admin.get(script).status(http.StatusOK)
	admin.get("/settings/jobs/api/states").status(http.StatusOK)

	const pause = "/settings/jobs/api/queues/default/pause"
	admin.do(http.MethodPut, pause, nil).status(http.StatusForbidden)
	admin.header.Set("Sec-Fetch-Site", "cross-site")
	admin.do(http.MethodPut, pause, nil).status(http.StatusForbidden)
	admin.header.Set("Sec-Fetch-Site", "same-origin")
	require.NotEqual(t, http.StatusForbidden, admin.do(http.MethodPut, pause, nil).StatusCode)
}
