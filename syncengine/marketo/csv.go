package marketo

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
)

// ErrTruncated says that a file ended in the middle of a record. Reading on from the
// last whole one may help, so that it is a bad answer and no defect.
var ErrTruncated error = &Error{Operation: fileOperation, Kind: KindBadAnswer, Message: "the file ends in the middle of a record"}

// maxRecord is the longest record that is believed: all of Marketo's text fields
// at their longest are far below it.
const maxRecord = 8 << 20

// ExportReader reads a bulk file record by record, and can go on at any record
// after a break: it knows the byte after the last record, and the checksum of all
// bytes up to there.
//
// encoding/csv is not used because it turns CR LF inside quotes into LF, and the
// workspace keeps text as Marketo has it.
type ExportReader struct {
	in     *bufio.Reader
	sum    hash.Hash
	offset int64
	header []string
	fields map[string]int
	line   []byte // the record being read, raw
	record Record
}

// Record is a row of a bulk file; it is valid until the next call of Next.
type Record struct {
	fields  map[string]int
	values  []string
	present []bool
}

// Get returns a value by Marketo's field name; false when there is none. A missing
// value is written as the word null without quotes (Marketo REST: bulk extract).
func (r Record) Get(name string) (string, bool) {
	i, ok := r.fields[name]
	if !ok || i >= len(r.values) || !r.present[i] {
		return "", false
	}
	return r.values[i], true
}

const readBuffer = 256 << 10

// NewExportReader reads a file from its beginning.
func NewExportReader(r io.Reader) *ExportReader {
	return &ExportReader{in: bufio.NewReaderSize(r, readBuffer), sum: sha256.New()}
}

// ResumeExportReader goes on with a file whose first bytes were read before: r
// starts at offset, header and hashState are what Header and HashState returned there.
func ResumeExportReader(r io.Reader, header []string, offset int64, hashState []byte) (*ExportReader, error) {
	e := NewExportReader(r)
	if err := e.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(hashState); err != nil {
		return nil, fmt.Errorf("go on with the checksum of a bulk file: %w", err)
	}
	e.offset = offset
	e.setHeader(header)
	return e, nil
}

// Header returns the names of the columns, nil before the first record.
func (e *ExportReader) Header() []string { return e.header }

// Offset returns the byte after the last record that Next returned.
func (e *ExportReader) Offset() int64 { return e.offset }

// HashState returns the checksum's state at Offset, for ResumeExportReader.
func (e *ExportReader) HashState() ([]byte, error) {
	return e.sum.(encoding.BinaryMarshaler).MarshalBinary()
}

// SumHex returns the SHA-256 of the bytes up to Offset in hex.
func (e *ExportReader) SumHex() string { return hex.EncodeToString(e.sum.Sum(nil)) }

// Next returns the next record. Errors: io.EOF at the end, ErrTruncated, those of
// the reader.
func (e *ExportReader) Next() (Record, error) {
	if e.header == nil {
		if err := e.readLine(); err != nil {
			return Record{}, err
		}
		e.split(bytes.TrimPrefix(e.line, []byte("\xef\xbb\xbf")))
		e.setHeader(slices.Clone(e.record.values))
		e.consume()
	}
	for {
		if err := e.readLine(); err != nil {
			return Record{}, err
		}
		if len(bytes.TrimRight(e.line, "\r\n")) == 0 && len(e.header) > 1 {
			e.consume() // a blank line at the end
			continue
		}
		e.split(e.line)
		switch {
		case len(e.record.values) < len(e.header) && e.line[len(e.line)-1] != '\n':
			return Record{}, ErrTruncated
		case len(e.record.values) != len(e.header):
			return Record{}, fmt.Errorf("a record at byte %d has %d values for %d columns", e.offset, len(e.record.values), len(e.header))
		}
		e.consume()
		return e.record, nil
	}
}

func (e *ExportReader) setHeader(header []string) {
	e.header = header
	e.fields = make(map[string]int, len(header))
	for i, name := range header {
		e.fields[name] = i
	}
	e.record.fields = e.fields
}

// readLine reads one record with its line end: a line, and the following ones while
// a quote is open.
func (e *ExportReader) readLine() error {
	e.line = e.line[:0]
	quotes := 0
	for {
		part, err := e.in.ReadSlice('\n')
		e.line = append(e.line, part...)
		quotes += bytes.Count(part, []byte{'"'})
		switch {
		case len(e.line) > maxRecord:
			return fmt.Errorf("a record at byte %d is longer than %d bytes", e.offset, maxRecord)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(e.line) == 0:
			return io.EOF
		case errors.Is(err, io.EOF) && quotes%2 == 1:
			return ErrTruncated
		case err != nil && !errors.Is(err, io.EOF):
			return err
		case err == nil && quotes%2 == 1:
			continue
		}
		return nil
	}
}

// consume counts the line that was read; a line that is refused is not counted, so
// that reading can go on with it.
func (e *ExportReader) consume() {
	e.sum.Write(e.line)
	e.offset += int64(len(e.line))
}

// split takes a record apart. Quotes count only at the beginning of a value; a
// doubled quote inside stands for one.
func (e *ExportReader) split(line []byte) {
	e.record.values, e.record.present = e.record.values[:0], e.record.present[:0]
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
		if n > 1 && line[n-2] == '\r' {
			line = line[:n-2]
		}
	}
	for {
		var value []byte
		quoted := len(line) > 0 && line[0] == '"'
		if quoted {
			value, line = unquote(line[1:])
		} else if comma := bytes.IndexByte(line, ','); comma >= 0 {
			value, line = line[:comma], line[comma:]
		} else {
			value, line = line, nil
		}
		e.add(value, quoted)
		if len(line) == 0 {
			return
		}
		line = line[1:] // the comma
	}
}

func (e *ExportReader) add(value []byte, quoted bool) {
	if !quoted && string(value) == "null" {
		e.record.values, e.record.present = append(e.record.values, ""), append(e.record.present, false)
		return
	}
	if bytes.IndexByte(value, 0) >= 0 {
		value = bytes.ReplaceAll(value, []byte{0}, nil)
	}
	e.record.values, e.record.present = append(e.record.values, string(value)), append(e.record.present, true)
}

// unquote returns a quoted value, after its first quote, and the rest of the line
// from the comma on.
func unquote(line []byte) (value, rest []byte) {
	end := bytes.IndexByte(line, '"')
	if end >= 0 && (end+1 == len(line) || line[end+1] != '"') {
		return line[:end], afterQuote(line[end+1:])
	}
	for i := 0; i < len(line); i++ {
		if line[i] != '"' {
			value = append(value, line[i])
			continue
		}
		if i+1 < len(line) && line[i+1] == '"' {
			value = append(value, '"')
			i++
			continue
		}
		return value, afterQuote(line[i+1:])
	}
	return value, nil
}

// afterQuote drops what stands between a closing quote and the comma.
func afterQuote(line []byte) []byte {
	if comma := bytes.IndexByte(line, ','); comma >= 0 {
		return line[comma:]
	}
	return nil
}
