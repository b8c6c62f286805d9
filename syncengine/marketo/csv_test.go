package marketo_test

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"salesactions/syncengine/marketo"
)

const bulkFile = "id,lastName,company\r\n" +
	"1,Lovelace,\"Acme, \"\"Inc\"\"\"\n" +
	"2,null,\"two\r\nlines\"\n" +
	"3,\"null\",\"a\nb\rc\"\n" +
	"4,O\x00dd,\n"

func readAll(t *testing.T, reader *marketo.ExportReader) []map[string]string {
	t.Helper()
	var rows []map[string]string
	for {
		record, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		require.NoError(t, err)
		row := map[string]string{}
		for _, name := range reader.Header() {
			if value, ok := record.Get(name); ok {
				row[name] = value
			}
		}
		rows = append(rows, row)
	}
}

func TestExportReader(t *testing.T) {
	t.Parallel()
	want := []map[string]string{
		{"id": "1", "lastName": "Lovelace", "company": `Acme, "Inc"`},
		{"id": "2", "company": "two\r\nlines"},
		{"id": "3", "lastName": "null", "company": "a\nb\rc"},
		{"id": "4", "lastName": "Odd", "company": ""},
	}

	t.Run("keeps_text_as_it_is_and_takes_an_unquoted_null_for_no_value", func(t *testing.T) {
		t.Parallel()
		reader := marketo.NewExportReader(strings.NewReader(bulkFile))
		require.Empty(t, cmp.Diff(want, readAll(t, reader)))
		require.Equal(t, int64(len(bulkFile)), reader.Offset())
		sum := sha256.Sum256([]byte(bulkFile))
		require.Equal(t, hex.EncodeToString(sum[:]), reader.SumHex())
	})

	t.Run("goes_on_after_any_record_with_the_same_checksum", func(t *testing.T) {
		t.Parallel()
		for taken := 1; taken <= 4; taken++ {
			first := marketo.NewExportReader(strings.NewReader(bulkFile))
			for range taken {
				_, err := first.Next()
				require.NoError(t, err)
			}
			state, err := first.HashState()
			require.NoError(t, err)
			second, err := marketo.ResumeExportReader(strings.NewReader(bulkFile[first.Offset():]), first.Header(), first.Offset(), state)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(want[taken:], readAll(t, second), cmp.Transformer("empty", func(rows []map[string]string) []map[string]string {
				return append([]map[string]string{}, rows...)
			})))
			sum := sha256.Sum256([]byte(bulkFile))
			require.Equal(t, hex.EncodeToString(sum[:]), second.SumHex())
		}
	})

	t.Run("a_file_cut_inside_a_record_is_an_error", func(t *testing.T) {
		t.Parallel()
		cut := strings.Index(bulkFile, "lines")
		reader := marketo.NewExportReader(strings.NewReader(bulkFile[:cut]))
		_, err := reader.Next()
		require.NoError(t, err)
		_, err = reader.Next()
		require.ErrorIs(t, err, marketo.ErrTruncated)
		require.Equal(t, int64(strings.Index(bulkFile, "2,null")), reader.Offset())
	})

	t.Run("a_record_without_a_line_end_that_lacks_values_was_cut", func(t *testing.T) {
		t.Parallel()
		reader := marketo.NewExportReader(strings.NewReader("id,a,b\n1,x"))
		_, err := reader.Next()
		require.ErrorIs(t, err, marketo.ErrTruncated)
		require.Equal(t, int64(len("id,a,b\n")), reader.Offset())
		sum := sha256.Sum256([]byte("id,a,b\n"))
		require.Equal(t, hex.EncodeToString(sum[:]), reader.SumHex())
	})

	t.Run("a_record_with_another_number_of_values_is_a_defect", func(t *testing.T) {
		t.Parallel()
		for _, record := range []string{"1,x\n", "1,x,y,z\n"} {
			reader := marketo.NewExportReader(strings.NewReader("id,a,b\n" + record))
			_, err := reader.Next()
			require.ErrorContains(t, err, "values for 3 columns")
			require.NotErrorIs(t, err, marketo.ErrTruncated)
			require.Equal(t, int64(len("id,a,b\n")), reader.Offset())
		}
	})

	t.Run("a_mark_at_the_beginning_is_no_part_of_the_first_name", func(t *testing.T) {
		t.Parallel()
		reader := marketo.NewExportReader(strings.NewReader("\xef\xbb\xbfid,a\n1,x\n"))
		require.Equal(t, []map[string]string{{"id": "1", "a": "x"}}, readAll(t, reader))
	})
}

func FuzzExportReader(f *testing.F) {
	f.Add("id,a\n1,x\n")
	f.Add("id,a\n1,\"x\"\"y\nz\"\n2,null\n")
	f.Fuzz(func(t *testing.T, text string) {
		reader := marketo.NewExportReader(strings.NewReader(text))
		var rows [][]string
		for {
			record, err := reader.Next()
			if err != nil {
				break
			}
			row := make([]string, 0, len(reader.Header()))
			for _, name := range reader.Header() {
				value, _ := record.Get(name)
				row = append(row, value)
			}
			rows = append(rows, row)
			if reader.Offset() > int64(len(text)) {
				t.Fatalf("offset %d beyond the file's %d bytes", reader.Offset(), len(text))
			}
		}
		compare(t, text, reader.Header(), rows)
	})
}

// compare holds the reader against encoding/csv where both must agree: no carriage
// returns, NULs or marks, unique names, and a file that the standard library takes.
func compare(t *testing.T, text string, header []string, rows [][]string) {
	if strings.ContainsAny(text, "\r\x00\ufeff") || strings.Contains(text, "null") {
		return
	}
	standard := csv.NewReader(strings.NewReader(text))
	want, err := standard.ReadAll()
	if err != nil || len(want) < 2 || len(want[0]) < 2 || len(slices.Compact(slices.Sorted(slices.Values(want[0])))) != len(want[0]) {
		return
	}
	if strings.HasPrefix(text, "\n") || strings.Contains(text, "\n\n") {
		return // blank lines: skipped there, and here only where no value could be meant
	}
	if diff := cmp.Diff(want[0], header); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff(want[1:], rows); diff != "" {
		t.Fatal(diff)
	}
}

func BenchmarkExportReader(b *testing.B) {
	line := "123456,Ada,Lovelace,003000000000001AAA,00Q000000000001AAA,001000000000001AAA,Acme Systems,Engineer,ada@example.com,+1 555 0100,null,Web,005000000000001AAA,Contact,false,2024-01-01T00:00:00Z,2024-01-01T00:00:00Z\n"
	header := "id,firstName,lastName,sfdcContactId,sfdcLeadId,sfdcAccountId,company,title,email,phone,linkedIn,leadSource,sfdcLeadOwnerId,sfdcType,unsubscribed,createdAt,updatedAt\n"
	text := header + strings.Repeat(line, 10_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		reader := marketo.NewExportReader(strings.NewReader(text))
		for {
			if _, err := reader.Next(); err != nil {
				break
			}
		}
	}
}
