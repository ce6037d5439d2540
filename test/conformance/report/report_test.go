package report

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

func sample() *Report {
	return &Report{Broker: "127.0.0.1:9092", Took: 2 * time.Second, Results: []Result{
		{ID: "J1", Asks: "one", Verdict: Pass},
		{ID: "J2", Asks: "two", Verdict: Miss, Detail: "expected NONE, got ILLEGAL_GENERATION"},
		{ID: "J3", Asks: "three", Verdict: Skipped, Detail: "a setting"},
		{ID: "J4", Asks: "four", Verdict: NotOffered, Detail: "no such API"},
		{ID: "J5", Asks: "five", Verdict: NotBlackBox, Detail: "needs a restart"},
	}}
}

func TestText(t *testing.T) {
	const want = `J1   pass          one
J2   miss          two
                   expected NONE, got ILLEGAL_GENERATION
J3   skipped       three
                   a setting
J4   not offered   four
                   no such API
J5   not black-box five
                   needs a restart

127.0.0.1:9092: 1 of 2 rows pass, 1 miss, 1 skipped, 1 not offered, 1 not black-box, in 2s
`
	var b bytes.Buffer
	if err := sample().Text(&b); err != nil || b.String() != want {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := sample().JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Broker, Score string
		Results       []Result
		Counts        map[Verdict]int
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Score != sample().Score() || got.Counts[Pass] != 1 || got.Counts[NotBlackBox] != 1 || len(got.Results) != 5 || got.Results[1] != sample().Results[1] {
		t.Errorf("%+v", got)
	}
}
