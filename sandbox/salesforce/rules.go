package salesforce

import "strings"

func (t *transaction) defaults(o *object, values map[string]any) {
	if o.name == "Task" {
		for name, value := range map[string]any{"Status": "Not Started", "Priority": "Normal", "TaskSubtype": "Task", "OwnerId": t.user} {
			if values[name] == nil {
				values[name] = value
			}
		}
	}
	for _, f := range o.fields {
		if f.kind == "boolean" && values[f.name] == nil {
			values[f.name] = false
		}
	}
}

// rules are those between fields and records.
func (t *transaction) rules(o *object, id string, changed, all map[string]any) *recordError {
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

func (t *transaction) taskRules(changed, all map[string]any) *recordError {
	who, _ := all["WhoId"].(string)
	what, _ := all["WhatId"].(string)
	if strings.HasPrefix(who, "00Q") && what != "" {
		return refused("FIELD_INTEGRITY_EXCEPTION", "cannot specify a related to id (WhatId) when the name id (WhoId) is a lead", "WhatId", "WhoId")
	}
	for name, allowed := range map[string][]string{"WhoId": {"Contact", "Lead"}, "WhatId": {"Account", "Opportunity"}} {
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

// derive sets what follows from other values.
func (t *transaction) derive(o *object, r *record) {
	if o.name != "Task" {
		return
	}
	closed := r.text("Status") == "Completed"
	if closed && !r.flag("IsClosed") {
		r.values["CompletedDateTime"] = t.stamp.Format(stampForm)
	} else if !closed {
		r.values["CompletedDateTime"] = nil
	}
	r.values["IsClosed"], r.values["IsHighPriority"] = closed, r.text("Priority") == "High"
	r.values["IsArchived"] = false
	r.values["AccountId"] = t.server.accountOf(r)
}

func (s *Server) accountOf(r *record) any {
	what, who := r.text("WhatId"), r.text("WhoId")
	switch {
	case strings.HasPrefix(what, "001"):
		return what
	case strings.HasPrefix(what, "006"):
		return orNil(s.tables["opportunity"].byID[what].text("AccountId"))
	case strings.HasPrefix(who, "003"):
		return orNil(s.tables["contact"].byID[who].text("AccountId"))
	}
	return nil
}
