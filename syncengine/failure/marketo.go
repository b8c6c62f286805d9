package failure

import (
	"strconv"
	"strings"

	"salesactions/syncengine/marketo"
)

// ofMarketo says what an error of Marketo's client means. It goes by code; by text
// only where one code stands for several things.
func ofMarketo(e *marketo.Error) Failure {
	f := meaningOfMarketo(e)
	f.Retry, f.Heal, f.Tries = marketoRetry(f)
	return f
}

// OfMarketoRecord says what it means that Marketo skipped a record of a call.
func OfMarketoRecord(code, message string) Failure {
	return ofMarketo(&marketo.Error{Kind: marketo.KindAPI, Code: code, Message: message})
}

// marketoRetry follows from the class, but for a few codes (Marketo REST: error
// codes).
func marketoRetry(f Failure) (Retry, Heal, int) {
	heal := marketoHeals[f.Code]
	switch {
	case f.Retry != "":
		return f.Retry, f.Heal, f.Tries
	case f.Code == marketo.CodeSystem:
		return Soon, heal, 5
	case f.Code == marketo.CodeInternal, isUnknown(f):
		return Soon, heal, 3
	case f.Code == marketo.CodeQuota, f.Code == marketo.CodeBulk, f.Code == "1020":
		return Slow, heal, 0
	case f.Class == Intermittent, f.Class == Limit:
		return Soon, heal, 0
	default:
		return Never, heal, 0
	}
}

// isUnknown says that Marketo answered with a code of the kind that passes, but which
// its documentation does not list: it may as well be a mistake of ours.
func isUnknown(f Failure) bool {
	_, known := marketoCodes[f.Code]
	_, err := strconv.Atoi(f.Code)
	return err == nil && !known && f.Class == Intermittent
}

// marketoHeals has what helps against single codes.
var marketoHeals = map[string]Heal{
	marketo.CodeTimeout:      HealSmallerBatch,
	marketo.CodeLeadNotFound: HealFollowRecord,
	"1006":                   HealDropField,
	marketo.CodeTooLong:      HealTruncate,
}

// codeTooLarge is our name for a request that is larger than Marketo takes.
const codeTooLarge = "too_large"

func meaningOfMarketo(e *marketo.Error) Failure {
	switch e.Kind {
	case marketo.KindAuth:
		return Failure{Class: Authentication, Code: "invalid_client", Text: "Marketo does not accept the client id or the client secret.",
			Remedy: "Copy both anew from Admin → LaunchPoint in Marketo to Settings → Marketo."}
	case marketo.KindTransport:
		if e.Err != nil && isSpent(e.Err) {
			return Classify(e.Err)
		}
		return Failure{Class: Intermittent, Code: "network", Text: "Marketo did not answer, or the connection broke off.", Remedy: byItself}
	case marketo.KindBadAnswer:
		return Failure{Class: Intermittent, Code: "bad_answer", Text: "Marketo's gateway sent something that is not an answer of Marketo.", Remedy: byItself}
	case marketo.KindNotFound:
		return Failure{Class: Intermittent, Code: "no_file", Text: "Marketo does not have the bulk file yet, or no more.", Remedy: byItself, Gone: true}
	case marketo.KindTooLarge:
		return Failure{Class: Access, Code: codeTooLarge, Text: "A request was larger than Marketo takes.", Remedy: reportBug}
	}
	l, known := marketoCodes[e.Code]
	if !known {
		l = unknownCode(e.Code)
	}
	f := named("Marketo", e.Code, e.Message, l)
	f.special(e)
	return f
}

// unknownCode: Marketo's 6xx and 7xx are about the request's way, 1xxx about its
// content (Marketo REST: error codes).
func unknownCode(code string) line {
	if len(code) == 3 && (code[0] == '6' || code[0] == '7' || code[0] == '5') {
		return line{Intermittent, "Marketo answered with an error that its documentation does not list.", "It is tried three times. If it lasts, read Marketo's words; if they do not help, please report them."}
	}
	return line{Access, "Marketo answered with an error that its documentation does not list.", "Read Marketo's words; if they do not help, please report them."}
}

// special notes what single codes mean for those who called.
func (f *Failure) special(e *marketo.Error) {
	words := strings.ToLower(e.Message)
	bulk := strings.Contains(e.Operation, "export")
	switch e.Code {
	case marketo.CodeBulk:
		switch {
		case strings.Contains(words, "already"):
			f.AlreadyQueued = true
		case strings.Contains(words, "quota") || strings.Contains(words, "daily"):
			f.NoBulk = true
		default:
			f.QueueFull = true
		}
	case marketo.CodeBulkFilter, marketo.CodeNotEnabled, marketo.CodeWrongKind:
		f.NoBulk = bulk
	case marketo.CodeInvalidData:
		f.BadToken = isLog(e.Operation)
	case "1013", "610":
		f.Gone = bulk
	}
}

// isLog says that an operation goes on from a place in the log; a place that is not
// accepted any more is answered with an error about the data.
func isLog(operation string) bool {
	return operation == "lead changes" || operation == "activities" || operation == "deleted leads"
}
