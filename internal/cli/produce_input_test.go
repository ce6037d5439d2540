package cli

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// readAll reads records until the first error, which is nil at the end of input.
func readAll(form recordForm, input io.Reader) (records []*kgo.Record, err error) {
	next := recordSource(newRecordReader(input, form).next)
	for {
		r, err := next()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		records = append(records, r)
	}
}

func TestLinesBecomeRecords(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	records, err := readAll(recordForm{partition: anyPartition}, strings.NewReader("a\n\r\n"+long+"\nlast"))
	if err != nil || len(records) != 4 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	for i, want := range []string{"a", "\r", long, "last"} {
		r := records[i]
		if string(r.Value) != want || r.Key != nil || r.Partition != anyPartition {
			t.Errorf("record %d: key %q, %d bytes, partition %d", i, r.Key, len(r.Value), r.Partition)
		}
	}
}

func TestKeysAndNulls(t *testing.T) {
	null, key := "~", "K"
	form := recordForm{separator: "::", null: &null, key: &key, partition: 4, headers: []kgo.RecordHeader{{Key: "h"}}}
	records, err := readAll(form, strings.NewReader("a::b::c\n~::~\n::\n"))
	if err != nil || len(records) != 3 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	if r := records[0]; string(r.Key) != "a" || string(r.Value) != "b::c" || r.Partition != 4 || len(r.Headers) != 1 {
		t.Errorf("%+v", r)
	}
	if r := records[1]; string(r.Key) != "K" || r.Value != nil {
		t.Errorf("null: %q %v", r.Key, r.Value)
	}
	if r := records[2]; r.Key == nil || len(r.Key) != 0 || r.Value == nil || len(r.Value) != 0 {
		t.Errorf("empty: %v %v", r.Key, r.Value)
	}
	if _, err := readAll(form, strings.NewReader("a::b\nplain\n")); err == nil || err.Error() != `line 2: there is no key separator "::" in it` {
		t.Errorf("%v", err)
	}
}

// endless is input without a line end.
type endless struct{ read int64 }

func (e *endless) Read(b []byte) (int, error) {
	e.read += int64(len(b))
	return len(b), nil
}

func TestEndlessLineIsRefused(t *testing.T) {
	in := &endless{}
	_, err := readAll(recordForm{}, in)
	if err == nil || !strings.Contains(err.Error(), "line 1 is longer than") || in.read > lineBytesMax+4<<20 {
		t.Errorf("after %d bytes: %v", in.read, err)
	}
}

func TestJSONRecordsThatAreRefused(t *testing.T) {
	for _, line := range []string{`{"key":1}`, `{"value":{"base64":1}}`, `{"value":{"b64":"eA=="}}`, `{"value":{"base64":"?"}}`, `{"value":{}}`, `{"value":["x"]}`,
		`{"timestamp":"soon"}`, `{"value":"x"} {"value":"y"}`, `{"valeu":"x"}`, `[]`, `{"value":"x"`, `{"partition":"1"}`} {
		if r, err := fromJSON([]byte(line)); err == nil {
			t.Errorf("%s was taken: %+v", line, r)
		}
	}
}

func FuzzJSONRecord(f *testing.F) {
	f.Add([]byte("k"), []byte{0xff}, "h", []byte(nil), int64(5))
	f.Add([]byte(nil), []byte("<&>\u2028"), "", []byte("x"), int64(-1))
	f.Fuzz(func(t *testing.T, key, value []byte, header string, headerValue []byte, at int64) {
		ms := jsonTime(at)
		in := jsonRecord{Timestamp: &ms, Key: key, Value: value, Headers: []jsonHeader{{strings.ToValidUTF8(header, "?"), headerValue}}}
		line, err := marshalPlain(in)
		if err != nil {
			t.Fatal(err)
		}
		r, err := fromJSON(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		same := func(a, b []byte) bool { return string(a) == string(b) && (a == nil) == (b == nil) }
		if !same(r.Key, key) || !same(r.Value, value) || !same(r.Headers[0].Value, headerValue) || r.Headers[0].Key != in.Headers[0].Key || r.Timestamp.UnixMilli() != at {
			t.Fatalf("%s came back as %+v", line, r)
		}
	})
}
