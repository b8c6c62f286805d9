// Package sftask writes Tasks to Salesforce, each once: it creates them, finds those
// again whose call had no answer, and does what helps against a refusal.
//
// A Task is found again by its key: in a field that the org has for it, or in a marker
// at the end of its description (see org.Scheme). The stages say what a Task holds.
package sftask
