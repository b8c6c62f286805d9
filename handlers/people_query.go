package handlers

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"salesactions/models"
)

// The parameters of the list's address; all of its state is in them.
const (
	paramText         = "q"
	paramOwner        = "owner"
	paramMine         = "mine"
	paramCompany      = "company"
	paramSource       = "source"
	paramOpportunity  = "opportunity"
	paramUnsubscribed = "unsubscribed"
	paramArchived     = "archived"
	paramSort         = "sort"
	paramOrder        = "dir"
	paramCursor       = "cursor"
)

// maxParam is far more than anybody types, and less than makes a search slow.
const maxParam = 200

// peopleQuery reads the list's address. Unknown parameters are left alone, since
// links collect them on their way. Errors: Failure.
func peopleQuery(c echo.Context) (models.PeopleQuery, error) {
	values := c.QueryParams()
	for _, name := range []string{paramText, paramOwner, paramCompany, paramSource} {
		if len(values.Get(name)) > maxParam {
			return models.PeopleQuery{}, Failure{Status: http.StatusBadRequest, Detail: "A filter is too long. Shorten it and try again."}
		}
	}
	q := models.PeopleQuery{
		Text:           clean(values.Get(paramText)),
		OwnerID:        clean(values.Get(paramOwner)),
		Company:        clean(values.Get(paramCompany)),
		Source:         clean(values.Get(paramSource)),
		Mine:           isSet(values, paramMine),
		HasOpportunity: isSet(values, paramOpportunity),
		Unsubscribed:   isSet(values, paramUnsubscribed),
		Archived:       isSet(values, paramArchived),
		Sort:           models.PeopleSort(values.Get(paramSort)),
		Desc:           values.Get(paramOrder) == "desc",
		Cursor:         values.Get(paramCursor),
	}
	if q.Sort == "" {
		q.Sort = models.SortByName
	}
	return q, nil
}

func isSet(values url.Values, name string) bool {
	v := values.Get(name)
	return v != "" && v != "0" && v != "false"
}

// peopleURL is the list's address for a query; a page of it when the query has a cursor.
func peopleURL(path string, q models.PeopleQuery) string {
	values := url.Values{}
	set := func(name, value string) {
		if value != "" {
			values.Set(name, value)
		}
	}
	flag := func(name string, on bool) {
		if on {
			values.Set(name, "1")
		}
	}
	set(paramText, q.Text)
	set(paramOwner, q.OwnerID)
	set(paramCompany, q.Company)
	set(paramSource, q.Source)
	flag(paramMine, q.Mine)
	flag(paramOpportunity, q.HasOpportunity)
	flag(paramUnsubscribed, q.Unsubscribed)
	flag(paramArchived, q.Archived)
	if q.Sort != models.SortByName {
		set(paramSort, string(q.Sort))
	}
	if q.Desc {
		set(paramOrder, "desc")
	}
	set(paramCursor, q.Cursor)
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}
