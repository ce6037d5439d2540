package skeintest

import (
	"reflect"
	"testing"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

// noRoom is up to which version an answer has no place for an error of the whole, and no parts in this test.
var noRoom = map[protocol.Key]int16{protocol.KeyDescribeLogDirs: 2, protocol.KeyElectLeaders: 0}

// TestEveryAnswerSaysTheError: each API that clients are offered has an answer, and the error is in it in every version.
func TestEveryAnswerSaysTheError(t *testing.T) {
	const code = protocol.RequestTimedOut
	for _, row := range api.Table() {
		if row.NodesOnly || row.Key >= 0x4000 {
			continue
		}
		make := answersWith[row.Key]
		if make == nil {
			t.Errorf("%s has no answer with an error", row.Key)
			continue
		}
		request := protocol.NewRequest(row.Key)
		fill(reflect.ValueOf(request).Elem())
		for version := row.Lowest; version <= row.Max; version++ {
			w := protocol.NewWriter(nil)
			make(request, code).Encode(w, version)
			answer := protocol.NewResponse(row.Key)
			var r protocol.Reader
			r.Reset(w.Bytes(), protocol.Limits{})
			if err := answer.Decode(&r, version); err != nil {
				t.Errorf("%s version %d: %v", row.Key, version, err)
			}
			if lowest, ok := noRoom[row.Key]; says(reflect.ValueOf(answer).Elem(), code) == (ok && version <= lowest) {
				t.Errorf("%s version %d: %+v", row.Key, version, answer)
			}
		}
	}
}

// fill gives every list one element.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0))
		}
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.String {
			v.Set(reflect.New(v.Type().Elem()))
		}
	}
}

// says looks for a code.
func says(v reflect.Value, code protocol.Code) bool {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if says(v.Field(i), code) {
				return true
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if says(v.Index(i), code) {
				return true
			}
		}
	case reflect.Int16:
		return v.Interface() == code
	}
	return false
}
