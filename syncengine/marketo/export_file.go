package marketo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

const fileOperation = "export file"

// ExportFile opens a completed job's file from a byte on. The caller reads until
// the end and closes it; the errors of reading are typed too. KindNotFound: the
// file is not there, not yet or no more; it was seen to be missing for some seconds
// after completion.
func (c *Client) ExportFile(ctx context.Context, id string, from int64) (io.ReadCloser, error) {
	var refused string
	for try := 0; ; try++ {
		tok, err := c.tokens.get(ctx, refused)
		if err != nil {
			return nil, err
		}
		body, err := c.openFile(ctx, id, from, tok)
		if err == nil {
			return body, nil
		}
		c.observe(ctx, fileOperation, err)
		if !isTokenRefused(err) || try > 0 {
			return nil, err
		}
		refused = tok.value
	}
}

func (c *Client) openFile(ctx context.Context, id string, from int64, tok token) (io.ReadCloser, error) {
	limited, timer, stop := withLimit(context.WithValue(ctx, operationKey{}, fileOperation), timeFile)
	req, err := http.NewRequestWithContext(limited, http.MethodGet, c.base+exportRoot+"/"+id+"/file.json", nil)
	if err != nil {
		stop()
		return nil, fmt.Errorf("make the request of %s: %w", fileOperation, err)
	}
	req.Header.Set("Authorization", "Bearer "+tok.value)
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept-Encoding", "identity") // ranges count the bytes of the file itself
	if from > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(from, 10)+"-")
	}
	resp, err := c.http.Do(unrepeatable(req))
	if err != nil {
		defer stop()
		return nil, &Error{Operation: fileOperation, Kind: KindTransport, Err: reason(limited, err)}
	}
	timer.Stop()
	body := &fileBody{ReadCloser: resp.Body, idle: timer, stop: stop, ended: func(error) {},
		broken: func(err error) error { return brokeOff(limited, fileOperation, resp.StatusCode, err) }}
	if err := checkFile(resp, body, from); err != nil {
		body.Close()
		return nil, err
	}
	var once sync.Once
	body.ended = func(err error) { once.Do(func() { c.observe(ctx, fileOperation, err) }) }
	return body, nil
}

// checkFile makes sure that body is the file from the byte asked for. A server that
// ignores the range sends all of it, of which the beginning is skipped.
func checkFile(resp *http.Response, body io.Reader, from int64) error {
	failed := func(kind Kind, message string) error {
		return &Error{Operation: fileOperation, Kind: kind, HTTPStatus: resp.StatusCode, Message: message}
	}
	contentType, contentRange := resp.Header.Get("Content-Type"), resp.Header.Get("Content-Range")
	start := strconv.FormatInt(from, 10)
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return failed(KindNotFound, "the file is not there")
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && contentRange == "bytes */"+start:
		// The file has just as many bytes as were read before: nothing is left.
		_, err := io.Copy(io.Discard, body)
		return err
	case strings.Contains(contentType, "json"):
		raw, err := io.ReadAll(io.LimitReader(body, 1<<20))
		if err != nil {
			return err
		}
		if _, err := open(fileOperation, resp.StatusCode, raw, nil); err != nil {
			return err
		}
		return failed(KindBadAnswer, "the answer is JSON and not the file")
	case resp.StatusCode == http.StatusPartialContent && strings.HasPrefix(contentRange, "bytes "+start+"-"):
		return nil
	case resp.StatusCode == http.StatusPartialContent:
		return failed(KindBadAnswer, "the answer is another range than asked for")
	case resp.StatusCode != http.StatusOK || strings.Contains(contentType, "html"):
		return failed(KindBadAnswer, "the answer is not the file")
	}
	_, err := io.CopyN(io.Discard, body, from)
	if errors.Is(err, io.EOF) {
		return failed(KindBadAnswer, "the file is shorter than what was read of it before")
	}
	return err
}
