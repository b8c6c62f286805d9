package org

import (
	"context"
	"slices"
	"strings"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

// heals says that heal mends the record before it is sent again.
func heals(what failure.Failure) bool {
	switch what.Heal {
	case failure.HealFollowRecord, failure.HealDropField, failure.HealOmitValue, failure.HealTruncate, failure.HealDefaultOwner:
		return true
	}
	return false
}

// Learn takes what the results of a call that changes Tasks tell of the org: how many
// it bears at once, and which fields it does not take.
func (o *Org) Learn(ctx context.Context, gauge *outbox.Gauge, results []salesforce.SaveResult, outcomes []outbox.Outcome) error {
	learn(gauge, outcomes)
	var omit []string
	stale := false
	for n, outcome := range outcomes {
		switch outcome.Failure.Heal {
		case failure.HealOmitValue:
			omit = append(omit, results[n].FirstError().Fields...)
		case failure.HealDropField:
			stale = true
		}
	}
	if stale {
		if err := o.Refresh(ctx); err != nil {
			return err
		}
	}
	return o.omit(ctx, omit)
}

// heal does what helps against the refusals of a call, and changes the outcomes of
// those that it cannot help.
func (o *Org) heal(ctx context.Context, tasks []NewTask, results []salesforce.SaveResult, outcomes []outbox.Outcome) error {
	if err := o.findDoubles(ctx, tasks, outcomes); err != nil {
		return err
	}
	var follow, stale bool
	var omit []string
	for n, t := range tasks {
		if outcomes[n].State != models.Pending {
			continue
		}
		switch outcomes[n].Failure.Heal {
		case failure.HealFollowRecord:
			follow = true
		case failure.HealOmitValue:
			omit = append(omit, results[n].FirstError().Fields...)
		case failure.HealDropField, failure.HealTruncate:
			stale = true
		case failure.HealDefaultOwner:
			if err := o.DropOwner(ctx, t.RepEmail); err != nil {
				return err
			}
		}
	}
	if follow {
		if err := o.followRecords(ctx, tasks, outcomes); err != nil {
			return err
		}
	}
	if stale {
		if err := o.Refresh(ctx); err != nil {
			return err
		}
	}
	return o.omit(ctx, omit)
}

// findDoubles looks once for the ids of Tasks that are there by their key, where
// Salesforce did not tell. One that is hidden from the connected user is there all the
// same, and stays without an id.
func (o *Org) findDoubles(ctx context.Context, tasks []NewTask, outcomes []outbox.Outcome) error {
	setup, _ := o.Known()
	var there []Sent
	for n, t := range tasks {
		if outcomes[n].State == models.Delivered && outcomes[n].RemoteID == "" {
			sent := t.Claimed
			sent.Scheme, sent.ProofField = string(SchemeKey), setup.KeyField
			there = append(there, Sent{Claimed: sent, Key: t.Key})
		}
	}
	if len(there) == 0 {
		return nil
	}
	found, err := o.FindTasks(budget.For(ctx, budget.ProofOfTasks), there)
	for n, t := range tasks {
		if outcomes[n].State != models.Delivered || outcomes[n].RemoteID != "" {
			continue
		}
		switch ids := found[t.Key]; {
		case err != nil: // then its refusal tells anew that it is there
			outcomes[n] = outbox.Unknown(t.Claimed, outbox.Backoff(3))
		case len(ids) > 0:
			outcomes[n].RemoteID, outcomes[n].Looked = ids[0], true
		}
	}
	if err == nil || ctx.Err() != nil || failure.Classify(err).Passing() {
		return nil
	}
	return err
}

// omit leaves fields out of Tasks until the org is looked at anew: it refuses what we
// write there, though it describes them as writable. What a Task cannot be without
// stays in.
func (o *Org) omit(ctx context.Context, fields []string) error {
	o.mu.Lock()
	setup, known := o.setup, len(o.setup.Omitted)
	setup.Omitted = slices.Clone(setup.Omitted)
	for _, f := range fields {
		if !setup.needs(f) && !setup.omits(f) {
			setup.Omitted = append(setup.Omitted, f)
		}
	}
	o.setup = setup
	o.mu.Unlock()
	if len(setup.Omitted) == known {
		return nil
	}
	return o.outbox.KeepSetup(ctx, models.ToSalesforce, setup)
}

func (s Setup) omits(field string) bool {
	return slices.ContainsFunc(s.Omitted, func(f string) bool { return strings.EqualFold(f, field) })
}

// needs says that a Task would not be what it is without a field.
func (s Setup) needs(field string) bool {
	switch strings.ToLower(field) {
	case "", "subject", "status", "activitydate", "whoid", "ownerid", strings.ToLower(s.KeyField), strings.ToLower(s.MarkerName):
		return true
	case "description":
		return s.Scheme == SchemeMarker
	}
	return false
}

// followRecords asks what became of the records of Tasks that were refused: of leads
// and contacts, and of the accounts and opportunities beside them. Where nothing became
// of them, the delivery is parked.
func (o *Org) followRecords(ctx context.Context, tasks []NewTask, outcomes []outbox.Outcome) error {
	var whos, whats []string
	of := func(n int) (who, what string, refused bool) {
		what, _ = tasks[n].Fields["WhatId"].(string)
		return tasks[n].WhoID, what, outcomes[n].Failure.Heal == failure.HealFollowRecord
	}
	for n := range tasks {
		if who, what, refused := of(n); refused {
			whos, whats = append(whos, who), append(whats, what)
		}
	}
	followed, err := o.AskRecords(ctx, whos)
	if err != nil {
		return err
	}
	gone, err := o.askParents(ctx, whats)
	if err != nil {
		return err
	}
	var contacts []string
	for n, t := range tasks {
		who, what, refused := of(n)
		switch {
		case !refused:
		case gone[what] && strings.HasPrefix(who, "003"):
			contacts = append(contacts, short(who))
		case !followed[who] && !gone[what]:
			outcomes[n] = outbox.Parked(t.Claimed, outcomes[n].Failure)
		}
	}
	if len(contacts) == 0 {
		return nil
	}
	slices.Sort(contacts)
	return o.AskOpportunities(ctx, slices.Compact(contacts))
}
