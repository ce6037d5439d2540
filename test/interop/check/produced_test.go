package check

import (
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/test/interop/line"
)

// written is a topic of one partition that holds the records in this order.
func written(numbers ...int) Topic {
	var records []Record
	for offset, i := range numbers {
		records = append(records, Record{Offset: int64(offset), Key: line.Key("t", i, 5), Value: line.Value("t", i, 20), Headers: line.Headers("t", i)})
	}
	return Topic{0: records}
}

// acked is a producer that was told so of records 0 to n-1, each at the offset
// of its number.
func acked(n int) *Produced {
	p := &Produced{Tag: "t", Count: n, Keys: 5, Size: 20, TellsOffsets: true, RecordHeaders: true, NoDuplicates: true, Ordered: true}
	for i := range n {
		p.Take(line.Event{E: line.Ack, I: i, O: int64(i)}, time.Time{})
	}
	return p
}

func TestCompareFindsWhatIsWrong(t *testing.T) {
	foreign := written(0, 1, 2)
	foreign[0][1].Value = "something else"
	otherKey := written(0, 1, 2)
	otherKey[0][1].Key = "t-9"
	noHeaders := written(0, 1, 2)
	noHeaders[0][2].Headers = nil
	for _, c := range []struct {
		name  string
		topic Topic
		want  string
	}{
		{"all there", written(0, 1, 2), ""},
		{"one missing", written(0, 1), "is not in the topic"},
		{"twice", written(0, 1, 2, 2), "is there twice"},
		{"out of order", written(1, 0, 2), "follows record"},
		{"foreign value", foreign, "foreign value"},
		{"other key", otherKey, "has key"},
		{"no headers", noHeaders, "has headers"},
	} {
		err := acked(3).Compare(c.topic)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestCompareForgivesRetriesWithoutIdempotence(t *testing.T) {
	p := acked(3)
	p.NoDuplicates, p.Ordered, p.TellsOffsets = false, false, false
	if err := p.Compare(written(0, 2, 1, 2)); err != nil {
		t.Error(err)
	}
}
