package salesforce

import "strings"

func (t *Transaction) defaults(o *object, values map[string]any) {
	standard := map[string]any{"OwnerId": t.user}
	if o.name == "Task" {
		standard["Status"], standard["Priority"], standard["TaskSubtype"] = "Not Started", "Normal", "Task"
	}
	for _, f := range o.fields {
		if f.kind == "boolean" {
			standard[f.name] = false
		}
		if values[f.name] == nil && standard[f.name] != nil {
			values[f.name] = standard[f.name]
		}
	}
}

// rules are those between fields and records.
func (t *Transaction) rules(o *object, changed, all map[string]any) *recordError {
	if owner, ok := changed["OwnerId"].(string); ok {
		switch user := t.server.tables["user"].byID[owner]; {
		case user == nil:
			return refused("INVALID_CROSS_REFERENCE_KEY", "Assigned To ID: id value of incorrect type: "+owner, "OwnerId")
		case !user.flag("IsActive"):
			return refused("INACTIVE_OWNER_OR_USER", "operation performed with inactive user ["+owner+"] as owner of "+lower(o.name))
		}
	}
	if o.name != "Task" {
		return nil
	}
	return t.taskRules(changed, all)
}

func (t *Transaction) taskRules(changed, all map[string]any) *recordError {
	who, _ := all["WhoId"].(string)
	what, _ := all["WhatId"].(string)
	if strings.HasPrefix(who, "00Q") && what != "" {
		return refused("FIELD_INTEGRITY_EXCEPTION", "cannot specify a related to id (WhatId) when the name id (WhoId) is a lead", "WhatId", "WhoId")
	}
	for name, allowed := range map[string][]string{"WhoId": {"Contact", "Lead"}, "WhatId": {"Account", "Opportunity"}, "RecurrenceActivityId": {"Task"}} {
		id, given := changed[name].(string)
		if !given {
			continue
		}
		kind := objectOf(id)
		if !contains(allowed, kind) {
			return refused("FIELD_INTEGRITY_EXCEPTION", name+": id value of incorrect type: "+id, name)
		}
		parent := t.server.tables[lower(kind)].byID[id]
		switch {
		case parent == nil:
			return refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", name)
		case !parent.deleted.IsZero():
			return refused("ENTITY_IS_DELETED", "entity is deleted", name)
		case parent.flag("IsConverted"):
			return refused("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", name)
		}
	}
	return nil
}

// derive sets what follows from other values; before is nil for a new row.
func (t *Transaction) derive(o *object, before, values map[string]any) {
	if o.field("FirstName") != nil {
		first, _ := values["FirstName"].(string)
		last, _ := values["LastName"].(string)
		values["Name"] = strings.TrimSpace(first + " " + last)
	}
	if o.name != "Task" {
		return
	}
	closed := values["Status"] == "Completed"
	if closed && before["IsClosed"] != true {
		values["CompletedDateTime"] = t.stamp.Format(stampForm)
	} else if !closed {
		values["CompletedDateTime"] = nil
	}
	values["IsClosed"], values["IsHighPriority"] = closed, values["Priority"] == "High"
	values["IsArchived"] = before["IsArchived"] == true // by a nightly run alone
	values["AccountId"] = t.server.accountOf(values)
}

// accountOf is the account that a Task belongs to, by its What or else by its contact.
func (s *Server) accountOf(task map[string]any) any {
	what, _ := task["WhatId"].(string)
	who, _ := task["WhoId"].(string)
	if objectOf(what) == "Account" {
		return what
	}
	for _, id := range []string{what, who} {
		id = long(id)
		if table := s.tables[lower(objectOf(id))]; table != nil && table.byID[id] != nil {
			return orNil(table.byID[id].text("AccountId"))
		}
	}
	return nil
}
