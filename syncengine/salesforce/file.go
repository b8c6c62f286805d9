package salesforce

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"
)

// Row is a line of a bulk file, by column. A line end within a value is a line feed,
// whatever it was.
type Row map[string]string

// file is a bulk file being read. Its errors are typed and a server that stops
// sending ends it. The reader's own time between two reads does not count. Its end is
// the call's end.
type file struct {
	io.ReadCloser
	header http.Header
	idle   *time.Timer
	broken func(error) error
	stop   context.CancelFunc
	ended  func(error)
	err    error
}

// Read implements io.Reader.
func (f *file) Read(p []byte) (int, error) {
	f.idle.Reset(timeFile)
	n, err := f.ReadCloser.Read(p)
	f.idle.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = f.broken(err)
		return n, f.err
	}
	return n, err
}

// Close implements io.Closer. A file given up before its end is no failed call.
func (f *file) Close() error {
	f.stop()
	f.ended(f.err)
	return f.ReadCloser.Close()
}

// open makes a call whose answer is a file.
func (c *Client) open(ctx context.Context, r request) (*file, error) {
	r.header = map[string]string{"Accept": "text/csv"}
	var f *file
	err := c.withToken(ctx, r, func(tok Token) (err error) {
		f, err = c.openOnce(ctx, r, tok)
		return err
	})
	return f, err
}

func (c *Client) openOnce(ctx context.Context, r request, tok Token) (*file, error) {
	limited, idle, cancel := withLimit(ctx, timeFile)
	limited, noteSent := withSent(limited, r.write())
	resp, err := c.send(limited, r, tok)
	if err == nil && resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		a := answer{status: resp.StatusCode, header: resp.Header}
		if a.raw, err = readAll(limited, r.operation, resp); err == nil {
			err = refused(r, a)
		}
	}
	if err != nil {
		cancel()
		var usage Usage
		if resp != nil {
			usage = usageOf(resp.Header)
		}
		err = noteSent(err)
		c.observe(ctx, r.operation, usage, err)
		return nil, err
	}
	idle.Stop()
	return &file{ReadCloser: resp.Body, header: resp.Header, idle: idle, stop: cancel,
		broken: func(err error) error { return noteSent(brokeOff(limited, r.operation, resp, err)) },
		ended:  func(err error) { c.observe(ctx, r.operation, usageOf(resp.Header), err) }}, nil
}

// lines yields the lines of a file below its head, and closes it.
func (f *file) lines(r request) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		defer f.Close()
		reader := csv.NewReader(f)
		reader.ReuseRecord = true
		head, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return // a result without rows may have no head
		}
		columns := append([]string{}, head...)
		for err == nil {
			var values []string
			if values, err = reader.Read(); err != nil {
				break
			}
			row := make(Row, len(columns))
			for n, column := range columns {
				row[column] = values[n]
			}
			if !yield(row, nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(nil, f.unreadable(r, err))
		}
	}
}

// unreadable says what is wrong with a file: it broke off, or it is no CSV.
func (f *file) unreadable(r request, err error) error {
	if f.err == nil {
		f.err = r.bad(http.StatusOK, fmt.Errorf("the file is not the CSV that Salesforce documents: %w", err))
	}
	return f.err
}

// writeCSV writes lines as bulk jobs take them, at most MaxUpload bytes.
func writeCSV(w io.Writer, columns []string, rows iter.Seq[[]string]) error {
	writer := csv.NewWriter(&limitedWriter{to: w, left: MaxUpload})
	if err := writer.Write(columns); err != nil {
		return err
	}
	for values := range rows {
		if len(values) != len(columns) {
			return fmt.Errorf("a row has %d values for %d columns", len(values), len(columns))
		}
		if err := writer.Write(values); err != nil {
			return err
		}
	}
	writer.Flush()
	return writer.Error()
}

// ErrTooManyRows says that rows are longer than MaxUpload: use several jobs.
var ErrTooManyRows = errors.New("the rows are more than one bulk job takes")

type limitedWriter struct {
	to   io.Writer
	left int
}

// Write implements io.Writer.
func (w *limitedWriter) Write(p []byte) (int, error) {
	if len(p) > w.left {
		return 0, ErrTooManyRows
	}
	w.left -= len(p)
	return w.to.Write(p)
}
