package sftask

import (
	"context"
	"slices"
	"strings"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/org"
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
func (w *Writer) Learn(ctx context.Context, gauge *outbox.Gauge, results []salesforce.SaveResult, outcomes []outbox.Outcome) error {
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
		if err := w.org.Refresh(ctx); err != nil {
			return err
		}
	}
	return w.org.Omit(ctx, omit)
}

// heal does what helps against the refusals of a call, and changes the outcomes of
// those that it cannot help.
func (w *Writer) heal(ctx context.Context, tasks []NewTask, results []salesforce.SaveResult, outcomes []outbox.Outcome) error {
	if err := w.findDoubles(ctx, tasks, outcomes); err != nil {
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
			if err := w.org.DropOwner(ctx, t.RepEmail); err != nil {
				return err
			}
		}
	}
	if follow {
		if err := w.followRecords(ctx, tasks, outcomes); err != nil {
			return err
		}
	}
	if stale {
		if err := w.org.Refresh(ctx); err != nil {
			return err
		}
	}
	return w.org.Omit(ctx, omit)
}

// findDoubles looks once for the ids of Tasks that are there by their key, where
// Salesforce did not tell. One that is hidden from the connected user is there all the
// same, and stays without an id.
func (w *Writer) findDoubles(ctx context.Context, tasks []NewTask, outcomes []outbox.Outcome) error {
	setup, _ := w.org.Known()
	var there []Sent
	for n, t := range tasks {
		if outcomes[n].State == models.Delivered && outcomes[n].RemoteID == "" {
			sent := t.Claimed
			sent.Scheme, sent.ProofField = string(org.SchemeKey), setup.KeyField
			there = append(there, Sent{Claimed: sent, Key: t.Key})
		}
	}
	if len(there) == 0 {
		return nil
	}
	found, err := w.findTasks(budget.For(ctx, budget.ProofOfTasks), there)
	for n, t := range tasks {
		if outcomes[n].State != models.Delivered || outcomes[n].RemoteID != "" {
			continue
		}
		switch ids := found[t.Key]; {
		case err != nil: // then its next refusal tells that it is there
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

// followRecords asks what became of the records of Tasks that were refused: of leads
// and contacts, and of the accounts and opportunities beside them. Where nothing became
// of them, the delivery is parked.
func (w *Writer) followRecords(ctx context.Context, tasks []NewTask, outcomes []outbox.Outcome) error {
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
	followed, err := w.org.AskRecords(ctx, whos)
	if err != nil {
		return err
	}
	gone, err := w.org.AskParents(ctx, whats)
	if err != nil {
		return err
	}
	var contacts []string
	for n, t := range tasks {
		who, what, refused := of(n)
		switch {
		case !refused:
		case gone[what] && strings.HasPrefix(who, "003"):
			contacts = append(contacts, org.ShortID(who))
		case !followed[who] && !gone[what]:
			outcomes[n] = outbox.Parked(t.Claimed, outcomes[n].Failure)
		}
	}
	if len(contacts) == 0 {
		return nil
	}
	slices.Sort(contacts)
	return w.org.AskOpportunities(ctx, slices.Compact(contacts))
}
