// Package org knows the connected Salesforce org: what it has for our Tasks and
// opt-outs, which of its users are our reps, what became of its records, and how a
// Task of ours is found again. Stages that write to Salesforce share one Org.
package org
