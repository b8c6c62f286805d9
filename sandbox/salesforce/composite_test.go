package salesforce

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/sandbox/fault"
)

// told is a part's answer.
type told struct {
	Body        any
	HTTPHeaders map[string]string `json:"httpHeaders"`
	Status      int               `json:"httpStatusCode"`
	ReferenceID string            `json:"referenceId"`
}

// code is that of the only error of a part.
func (a told) code() any {
	list, _ := a.Body.([]any)
	if len(list) != 1 {
		return nil
	}
	return list[0].(values)["errorCode"]
}

// one is a part of a composite call about a row; its name is in its reference.
func one(name, method, path string, body values) values {
	p := values{"method": method, "url": base + path, "referenceId": name}
	if body != nil {
		p["body"] = body
	}
	return p
}

func (o *bundle) composite(options values, parts ...values) map[string]told {
	o.t.Helper()
	if options == nil {
		options = values{}
	}
	options["compositeRequest"] = parts
	var answer struct{ CompositeResponse []told }
	o.call(http.MethodPost, "/composite", options).is(http.StatusOK, &answer)
	require.Len(o.t, answer.CompositeResponse, len(parts))
	by := map[string]told{}
	for i, a := range answer.CompositeResponse {
		require.Equal(o.t, parts[i]["referenceId"], a.ReferenceID)
		by[a.ReferenceID] = a
	}
	return by
}

func TestACompositeCallWritesRowsAndCountsAsOne(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	first, second := o.task(values{"Subject": "first"}), o.task(values{"Subject": "second"})
	used := o.server.limits.used.Load()
	told := o.composite(nil,
		one("make", http.MethodPost, "/sobjects/Task", values{"Subject": "made"}),
		one("change", http.MethodPatch, "/sobjects/Task/"+first, values{"Subject": "changed"}),
		one("remove", http.MethodDelete, "/sobjects/Task/"+second, nil),
		one("read", http.MethodGet, "/sobjects/Task/"+first+"?fields=Subject", nil),
		one("wrong", http.MethodPatch, "/sobjects/Task/"+first, values{"Nope__c": 1}),
		one("save", http.MethodPatch, "/composite/sobjects", values{"records": records(values{"id": first, "Priority": "High"}, values{"id": second, "Priority": "High"})}),
		one("nested", http.MethodPost, "/composite", values{}),
		one("find", http.MethodGet, "/query?q="+url.QueryEscape("SELECT COUNT() FROM Task"), nil),
		values{"method": "GET", "url": "/services/data/v12.0/limits", "referenceId": "old"},
	)
	require.Equal(t, used+1, o.server.limits.used.Load())
	made := told["make"].Body.(values)
	require.Equal(t, http.StatusCreated, told["make"].Status)
	require.Equal(t, base+"/sobjects/Task/"+made["id"].(string), told["make"].HTTPHeaders["Location"])
	for name, status := range map[string]int{"change": 204, "remove": 204, "read": 200, "wrong": 400, "save": 200, "nested": 404, "find": 200, "old": 404} {
		require.Equal(t, status, told[name].Status, "%s: %v", name, told[name].Body)
	}
	require.Nil(t, told["change"].Body)
	require.Nil(t, told["remove"].Body)
	require.Equal(t, "changed", told["read"].Body.(values)["Subject"])
	require.Equal(t, "INVALID_FIELD", told["wrong"].code())
	require.Equal(t, true, told["save"].Body.([]any)[0].(values)["success"])
	require.Equal(t, false, told["save"].Body.([]any)[1].(values)["success"], "it is deleted")
	answer := o.call(http.MethodPost, "/sobjects/Task", values{"Subject": "alone"})
	require.Contains(t, answer.Header.Get("Location"), base+"/sobjects/Task/00T")
}

func TestACompositeCallHasLimits(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	several := func(n int, path string) values {
		parts := []values{}
		for i := range n {
			parts = append(parts, one(fmt.Sprint("p", i), http.MethodGet, path, nil))
		}
		return values{"compositeRequest": parts}
	}
	query := "/query?q=" + url.QueryEscape("SELECT COUNT() FROM Task")
	o.call(http.MethodPost, "/composite", several(25, "/limits")).is(http.StatusOK, nil)
	o.call(http.MethodPost, "/composite", several(5, query)).is(http.StatusOK, nil)
	require.Empty(t, o.server.Violations())
	for name, body := range map[string]any{
		"26 parts":            several(26, "/limits"),
		"6 queries":           several(6, query),
		"6 Collections":       several(6, "/composite/sobjects/Task"),
		"no parts":            several(0, ""),
		"no JSON of the kind": "nothing",
		"a name twice":        values{"compositeRequest": []values{one("a", "GET", "/limits", nil), one("a", "GET", "/limits", nil)}},
		"no name":             values{"compositeRequest": []values{one("", "GET", "/limits", nil)}},
	} {
		require.Equal(t, http.StatusBadRequest, o.call(http.MethodPost, "/composite", body).StatusCode, name)
	}
}

func TestPartsReferToAnswersBeforeThem(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	contact, _ := o.someone("Contact")
	soql := "/query?q=" + url.QueryEscape("SELECT Id, AccountId, HasOptedOutOfEmail FROM Contact WHERE Id = '"+contact+"'")
	told := o.composite(nil,
		one("find", http.MethodGet, soql, nil),
		one("make", http.MethodPost, "/sobjects/Task", values{"Subject": "of @{find.records[0].Id}", "WhoId": "@{find.records[0].Id}", "IsReminderSet": "@{find.records[0].HasOptedOutOfEmail}"}),
		one("change", http.MethodPatch, "/sobjects/Task/@{make.id}", values{"Priority": "High"}),
		one("read", http.MethodGet, "/sobjects/Task/@{make.id}", nil),
		one("bad", http.MethodPost, "/sobjects/Task", values{"WhoId": "nobody"}),
		one("after", http.MethodPatch, "/sobjects/Task/@{bad.id}", values{"Priority": "High"}),
		one("nothing", http.MethodPatch, "/sobjects/Task/@{make.nothing}", values{"Priority": "High"}),
		one("forward", http.MethodPatch, "/sobjects/Task/@{last.id}", values{"Priority": "High"}),
		one("last", http.MethodPost, "/sobjects/Task", values{"Subject": "last"}),
	)
	task := told["read"].Body.(values)
	require.Equal(t, contact, task["WhoId"])
	require.Equal(t, "of "+contact, task["Subject"])
	require.Equal(t, "High", task["Priority"])
	require.Equal(t, false, task["IsReminderSet"])
	for _, name := range []string{"after", "nothing", "forward"} {
		require.Equal(t, http.StatusBadRequest, told[name].Status, name)
		require.Equal(t, "PROCESSING_HALTED", told[name].code(), name)
	}
	require.Equal(t, http.StatusCreated, told["last"].Status)
}

func TestPartsKeepTheirOrderOnlyWhenTold(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	id := o.task(values{"Subject": "before"})
	parts := func() []values {
		return []values{
			one("before", http.MethodGet, "/sobjects/Task/"+id, nil),
			one("change", http.MethodPatch, "/sobjects/Task/"+id, values{"Subject": "after"}),
			one("after", http.MethodGet, "/sobjects/Task/"+id, nil),
		}
	}
	require.Equal(t, "before", o.composite(nil, parts()...)["after"].Body.(values)["Subject"], "alike ones run together")
	o.call(http.MethodPatch, "/sobjects/Task/"+id, values{"Subject": "before"}).is(http.StatusNoContent, nil)
	require.Equal(t, "after", o.composite(values{"collateSubrequests": false}, parts()...)["after"].Body.(values)["Subject"])
}

func TestPartsHaveHeadersOfTheirOwn(t *testing.T) {
	t.Parallel()
	o, clock := timed(t, Config{DuplicateRule: true, AssignmentRule: true})
	lead, other := o.two("Lead")
	task := o.task(values{"Subject": "x"})
	clock.Advance(time.Hour)
	owner := o.held("Lead", lead)["OwnerId"]
	with := func(p values, headers values) values {
		p["httpHeaders"] = headers
		return p
	}
	optOut := values{"HasOptedOutOfEmail": true}
	const before, at = "Tue, 10 Mar 2026 09:30:14 GMT", "Tue, 10 Mar 2026 09:30:15 GMT"
	parts := []values{
		with(one("kind", http.MethodPatch, "/sobjects/Lead/"+lead, optOut), values{"Sforce-Duplicate-Rule-Header": "allowSave=true", "Sforce-Auto-Assign": "FALSE"}),
		one("blocked", http.MethodPatch, "/sobjects/Lead/"+other, optOut),
		with(one("late", http.MethodPatch, "/sobjects/Task/"+task, values{"Subject": "y"}), values{"If-Unmodified-Since": before}),
		with(one("same", http.MethodGet, "/sobjects/Task/"+task, nil), values{"If-Modified-Since": at}),
		with(one("timely", http.MethodPatch, "/sobjects/Task/"+task, values{"Subject": "z"}), values{"If-Unmodified-Since": at}),
	}
	var answer struct{ CompositeResponse []told }
	o.callWith(map[string]string{"Sforce-Duplicate-Rule-Header": "allowSave=true", "If-Unmodified-Since": before}, http.MethodPost, "/composite",
		values{"collateSubrequests": false, "compositeRequest": parts}).is(http.StatusOK, &answer)
	var statuses []int
	for _, a := range answer.CompositeResponse {
		statuses = append(statuses, a.Status)
	}
	require.Equal(t, []int{204, 400, 412, 304, 204}, statuses, "those of the whole call are not theirs")
	require.Equal(t, "DUPLICATES_DETECTED", answer.CompositeResponse[1].code())
	require.Equal(t, "PRECONDITION_FAILED", answer.CompositeResponse[2].code())
	require.Equal(t, owner, o.held("Lead", lead)["OwnerId"])
}

func TestPartsAreRefusedOnCommandAndForTheirLocks(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	contact, _ := o.someone("Contact")
	mine, theirs := o.task(values{"Subject": "mine"}), o.task(values{"Subject": "theirs", "WhoId": contact})
	release := o.grab(&change{do: "update", object: o.server.schema["contact"], id: contact})
	told := o.composite(nil, one("mine", http.MethodPatch, "/sobjects/Task/"+mine, values{"Subject": "x"}), one("theirs", http.MethodPatch, "/sobjects/Task/"+theirs, values{"Subject": "x"}))
	require.Equal(t, http.StatusNoContent, told["mine"].Status)
	require.Equal(t, "UNABLE_TO_LOCK_ROW", told["theirs"].code())
	release()

	o.server.Fault(fault.Rule{Path: "/composite", Kind: fault.RecordCode, Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", Message: "ask first"})
	refused := 0
	for range 8 {
		parts := []values{}
		for n := range 25 {
			parts = append(parts, one(fmt.Sprint("p", n), http.MethodPatch, "/sobjects/Task/"+mine, values{"Subject": fmt.Sprint(n)}))
		}
		for _, a := range o.composite(nil, parts...) {
			if a.Status == http.StatusBadRequest {
				refused++
				require.Equal(t, "FIELD_CUSTOM_VALIDATION_EXCEPTION", a.code())
			}
		}
	}
	require.InDelta(t, 50, refused, 25)
}

func TestAHeldCompositeCallIsSeenLateWithOneStamp(t *testing.T) {
	t.Parallel()
	for name, allOrNone := range map[string]bool{"part by part": false, "all or none": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, clock := timed(t, Config{})
			ids := []string{o.task(values{"Subject": "before"}), o.task(values{"Subject": "before"})}
			began := clock.Now()
			o.server.Fault(fault.Rule{Path: "/composite", Kind: fault.HoldTransaction, Delay: 2 * time.Minute, Count: 1})
			done := make(chan map[string]told)
			go func() {
				done <- o.composite(values{"allOrNone": allOrNone}, one("a", http.MethodPatch, "/sobjects/Task/"+ids[0], values{"Subject": "after"}), one("b", http.MethodPatch, "/sobjects/Task/"+ids[1], values{"Subject": "after"}))
			}()
			require.NoError(t, clock.BlockUntilContext(t.Context(), 1))
			require.True(t, o.busy())
			clock.Advance(time.Minute)
			for _, id := range ids {
				require.Equal(t, "before", o.held("Task", id)["Subject"])
			}
			clock.Advance(time.Minute)
			told := <-done
			require.Equal(t, http.StatusNoContent, told["b"].Status)
			for _, id := range ids {
				task := o.held("Task", id)
				require.Equal(t, "after", task["Subject"])
				require.Equal(t, began.Truncate(time.Second).Format(stampForm), task["SystemModstamp"])
			}
			require.False(t, o.busy())
			o.call(http.MethodPatch, "/sobjects/Task/"+ids[0], values{"Subject": "free"}).is(http.StatusNoContent, nil)
		})
	}
}
