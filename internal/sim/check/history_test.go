package check

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"
)

func TestHistoryAsLines(t *testing.T) {
	b := history().send("p", "a@0 k=b@1").with(func(o *Operation) { o.Producer = &Producer{ID: 1, Epoch: 2, Sequence: 3} }).
		poll("r", "a@0").watermarks(0, 2).assign("r", 0).commit(5).member(Sync, "m", "i", 3, t0).outcome(Info, "lost").at(5, Never)
	var file bytes.Buffer
	if err := Write(&file, b.ops); err != nil {
		t.Fatal(err)
	}
	got, err := Read(bytes.NewReader(file.Bytes()))
	if err != nil || !reflect.DeepEqual(got, b.ops) {
		t.Errorf("read back %+v, %v", got, err)
	}
	lines := strings.SplitAfter(file.String(), "\n")
	want := `{"process":"p","kind":"send","invoked":10,"completed":15,"outcome":"ok","records":[{"topic":"t","partition":0,` +
		`"offset":0,"value":"a"},{"topic":"t","partition":0,"offset":1,"key":"k","value":"b"}],"producer":{"id":1,"epoch":2,` +
		`"sequence":3},"idempotent":true}` + "\n"
	if lines[0] != want {
		t.Errorf("the first line is %s", lines[0])
	}

	torn, err := Read(strings.NewReader(file.String()[:len(file.String())-20]))
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(torn) != len(b.ops)-1 {
		t.Errorf("a torn file gave %d operations, %v", len(torn), err)
	}
	if _, err := Read(strings.NewReader("{}\nnonsense\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a line of nonsense gave %v", err)
	}
	whole, err := Read(strings.NewReader(strings.TrimSuffix(file.String(), "\n")))
	if err != nil || len(whole) != len(b.ops) {
		t.Errorf("without the last newline: %d operations, %v", len(whole), err)
	}
}

func TestReadBoundsALine(t *testing.T) {
	_, err := readLines(endless{}, 1<<20)
	if err == nil || !strings.Contains(err.Error(), "over") {
		t.Errorf("an endless line gave %v", err)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

func TestWriteFails(t *testing.T) {
	r, w := io.Pipe()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Write(w, history().send("p", "a@0").ops); err == nil {
		t.Error("writing to a closed pipe gave no error")
	}
}

func TestRecorder(t *testing.T) {
	var mu sync.Mutex
	clock := int64(0)
	r := NewRecorder(func() int64 { mu.Lock(); defer mu.Unlock(); clock++; return clock })
	first := r.Begin(Operation{Process: "p", Kind: Send})
	lost := r.Begin(Operation{Process: "q", Kind: Send})
	also := r.Begin(Operation{Process: "s", Kind: Send})
	first.End(OK, func(o *Operation) { o.Error = "none" })
	first.End(Fail, nil)
	got := r.History()
	want := []Operation{
		{Process: "p", Kind: Send, Invoked: 1, Completed: 4, Outcome: OK, Error: "none"},
		{Process: "q", Kind: Send, Invoked: 2, Completed: Never, Outcome: Info},
		{Process: "s", Kind: Send, Invoked: 3, Completed: Never, Outcome: Info},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("History() = %+v", got)
	}
	lost.End(Fail, nil)
	also.End(OK, nil)
	if len(r.History()) != 3 || r.History()[1].Outcome != Fail {
		t.Errorf("History() = %+v", r.History())
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				r.Begin(Operation{}).End(OK, nil)
			}
		})
	}
	group.Wait()
	if len(r.History()) != 803 {
		t.Errorf("%d operations", len(r.History()))
	}
}

func TestOutcomeOf(t *testing.T) {
	for name, want := range map[string]Outcome{
		"": OK, "NONE": OK, "NOT_LEADER_OR_FOLLOWER": Info, "MESSAGE_TOO_LARGE": Fail, "TOPIC_AUTHORIZATION_FAILED": Fail,
		"INVALID_RECORD": Fail, "NOT_ENOUGH_REPLICAS": Fail, "NOT_ENOUGH_REPLICAS_AFTER_APPEND": Info, "REQUEST_TIMED_OUT": Info,
		"UNKNOWN_SERVER_ERROR": Info, "NETWORK_EXCEPTION": Info, "connection reset": Info,
	} {
		if got := OutcomeOf(name); got != want {
			t.Errorf("OutcomeOf(%q) = %s, want %s", name, got, want)
		}
	}
}
