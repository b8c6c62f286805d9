// Package budget keeps every replica of the program together within the limits of
// another system: calls per window, calls in flight, calls per day.
//
// The limits belong to the customer's subscription and not to a process, so what
// was used of them is in the database: one row is the clock of the calls
// (api_pace), a few rows are the places for calls in flight (api_slots), and calls
// are counted by day and purpose (api_usage). A process that is killed leaves its
// places leased until the calls that it made have surely ended; a restart,
// however often, starts with the same clock.
//
// All of this goes by the database's clock, read after the row lock; a process's own
// clock only measures waits. Replicas whose clocks differ agree on the tick and on the
// day, and a clock that steps changes nothing. If the database's own clock is put back,
// calls wait until it has caught up; if it jumps ahead, calls that waited for their tick
// meet the next ones, so that a window may hold a few more, at most one for each place.
// A place is safe from jumps of less than two thirds of its lease.
//
// Calls are spaced evenly. Were they sent in bursts of the whole allowance, a
// window that overlaps two bursts would hold twice the allowance.
//
// When calls run short, people who wait go first: their calls take the next tick of the
// clock, and the last tenth of the day's budget is theirs. Deliveries and opt-outs come
// next, to nine tenths of it; extracts and the reading of changes stop at eight.
//
// The package is an http.RoundTripper under the API client. What a call is for,
// and how urgent it is, comes with its context (see For).
package budget
