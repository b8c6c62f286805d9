package cli

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSandbox(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args             []string
		onTasks, onLeads []string
		notOnTasks       string
	}{
		"with what it has unless told": {nil, []string{"Sales_Actions_Key__c"}, []string{"Marketo_Sales_Opt_Out__c"}, "Marker__c"},
		"with the fields that it is told": {[]string{"--key-field", "", "--marker-field", "Marker__c", "--opt-out-field", "No_Sales__c"},
			[]string{"Marker__c"}, []string{"No_Sales__c", "HasOptedOutOfEmail"}, "Sales_Actions_Key__c"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := sandboxOrg(t, c.args...)
			for _, field := range c.onTasks {
				require.Contains(t, org.describe("Task"), field)
			}
			for _, field := range c.onLeads {
				require.Contains(t, org.describe("Lead"), field)
				require.Contains(t, org.describe("Contact"), field)
			}
			require.NotContains(t, org.describe("Task"), c.notOnTasks)
		})
	}
}

// org is a sandbox's Salesforce.
type org struct {
	t           *testing.T
	InstanceURL string `json:"instance_url"`
	AccessToken string `json:"access_token"`
}

// sandboxOrg runs "sandbox" until the test ends.
func sandboxOrg(t *testing.T, args ...string) org {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	exited := make(chan int, 1)
	given := append([]string{"sandbox", "--json", "--people", "10", "--marketo-addr", "127.0.0.1:0", "--salesforce-addr", "127.0.0.1:0"}, args...)
	go func() {
		code := Execute(ctx, given, strings.NewReader(""), writer, io.Discard)
		_ = writer.Close()
		exited <- code
	}()
	t.Cleanup(func() { cancel(); require.Equal(t, 0, <-exited) })
	said := struct{ Salesforce org }{org{t: t}}
	require.NoError(t, json.NewDecoder(reader).Decode(&said))
	return said.Salesforce
}

// describe returns the names of an object's fields.
func (o org) describe(object string) []string {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, o.InstanceURL+"/services/data/v60.0/sobjects/"+object+"/describe", nil)
	require.NoError(o.t, err)
	req.Header.Set("Authorization", "Bearer "+o.AccessToken)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(o.t, err)
	defer resp.Body.Close()
	var answer struct{ Fields []struct{ Name string } }
	require.NoError(o.t, json.NewDecoder(resp.Body).Decode(&answer))
	var names []string
	for _, f := range answer.Fields {
		names = append(names, f.Name)
	}
	return names
}
