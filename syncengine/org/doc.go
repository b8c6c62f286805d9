// Package org knows the connected Salesforce org: what it has for our Tasks and
// opt-outs, which of its users are our reps, and what became of its records. Stages
// that write to Salesforce share one Org; package sftask writes the Tasks.
package org
