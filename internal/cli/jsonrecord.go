package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
)

// jsonRecord is a record as a line of JSON, which consume writes and produce reads:
//
//	{"topic":"t","partition":0,"offset":7,"timestamp":1700000000000,"key":"k","value":"v","headers":[{"key":"h","value":"x"}]}
//
// Produce takes topic and offset and does not use them.
type jsonRecord struct {
	Topic     string       `json:"topic,omitempty"`
	Partition *int32       `json:"partition,omitempty"`
	Offset    *int64       `json:"offset,omitempty"`
	Timestamp *jsonTime    `json:"timestamp,omitempty"`
	Key       jsonBytes    `json:"key"`
	Value     jsonBytes    `json:"value"`
	Headers   []jsonHeader `json:"headers,omitempty"`
}

type jsonHeader struct {
	Key   string    `json:"key"`
	Value jsonBytes `json:"value"`
}

// jsonBytes is a string where the bytes are UTF-8, {"base64":"..."} where they are not, and null where there are none.
type jsonBytes []byte

type jsonBase64 struct {
	Base64 *string `json:"base64"`
}

// MarshalJSON writes the form that fits the bytes.
func (b jsonBytes) MarshalJSON() ([]byte, error) {
	if b == nil {
		return []byte("null"), nil
	}
	if utf8.Valid(b) {
		return marshalPlain(string(b))
	}
	text := base64.StdEncoding.EncodeToString(b)
	return json.Marshal(jsonBase64{&text})
}

// UnmarshalJSON reads each of the forms. A number or an object of another kind is refused: which bytes were meant is not
// for us to guess.
func (b *jsonBytes) UnmarshalJSON(text []byte) error {
	switch {
	case string(text) == "null":
		*b = nil
		return nil
	case text[0] == '"':
		var s string
		if err := json.Unmarshal(text, &s); err != nil {
			return err
		}
		*b = append(jsonBytes{}, s...)
		return nil
	case text[0] == '{':
		var form jsonBase64
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&form); err == nil && form.Base64 != nil {
			decoded, err := base64.StdEncoding.DecodeString(*form.Base64)
			*b = append(jsonBytes{}, decoded...)
			return err
		}
	}
	return fmt.Errorf(`%.40s is neither a string, null nor {"base64":"..."}`, text)
}

// jsonTime is milliseconds since 1970, or when reading also a string of RFC 3339.
type jsonTime int64

// UnmarshalJSON reads both forms.
func (t *jsonTime) UnmarshalJSON(text []byte) error {
	if ms, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		*t = jsonTime(ms)
		return nil
	}
	var s string
	if err := json.Unmarshal(text, &s); err == nil {
		if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
			*t = jsonTime(at.UnixMilli())
			return nil
		}
	}
	return fmt.Errorf("timestamp %.40s is neither milliseconds since 1970 nor RFC 3339", text)
}

func marshalPlain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// toJSON is a record that was read from a topic.
func toJSON(r consumer.Record) jsonRecord {
	at := jsonTime(r.Timestamp.UnixMilli())
	j := jsonRecord{Topic: r.Topic, Partition: &r.Partition, Offset: &r.Offset, Timestamp: &at, Key: r.Key, Value: r.Value}
	for key, value := range r.Headers.All() {
		j.Headers = append(j.Headers, jsonHeader{key, value})
	}
	return j
}

// fromJSON reads one line. A field that is not known is refused: it is a misspelt one.
func fromJSON(line []byte) (*kgo.Record, error) {
	var j jsonRecord
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil {
		return nil, err
	}
	if d.InputOffset() != int64(len(bytes.TrimRight(line, " \t\r"))) {
		return nil, errors.New("more than one JSON value on the line")
	}
	r := &kgo.Record{Partition: anyPartition, Key: j.Key, Value: j.Value}
	if j.Partition != nil {
		r.Partition = *j.Partition
	}
	if j.Timestamp != nil {
		r.Timestamp = time.UnixMilli(int64(*j.Timestamp))
	}
	for _, h := range j.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return r, nil
}
