package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/record"
)

// Histories in tests are built from small operations. Times are given as at(invoked, completed); without it operations
// follow one another.

var t0 = Partition{"t", 0}

type builder struct {
	ops   []Operation
	clock int64
}

func history() *builder { return &builder{} }

func (b *builder) add(o Operation) *builder {
	b.clock += 10
	o.Invoked, o.Completed = b.clock, b.clock+5
	if o.Outcome == "" {
		o.Outcome = OK
	}
	b.ops = append(b.ops, o)
	return b
}

func (b *builder) last() *Operation { return &b.ops[len(b.ops)-1] }

// at moves the newest operation to other times.
func (b *builder) at(invoked, completed int64) *builder {
	b.last().Invoked, b.last().Completed = invoked, completed
	return b
}

func (b *builder) outcome(o Outcome, err string) *builder {
	b.last().Outcome, b.last().Error = o, err
	return b
}

func (b *builder) with(change func(*Operation)) *builder {
	change(b.last())
	return b
}

// send and poll take records as "value@offset", "value@-" where there is no offset, "key=value@offset" with a key.
func (b *builder) send(process, records string) *builder {
	return b.add(Operation{Process: process, Kind: Send, Idempotent: true, Records: parseRecords(records)})
}

func (b *builder) poll(process, records string) *builder {
	return b.add(Operation{Process: process, Kind: Poll, Records: parseRecords(records)})
}

func (b *builder) assign(process string, offset record.Offset) *builder {
	return b.add(Operation{Process: process, Kind: Assign, Positions: []Position{{t0, offset}}})
}

func (b *builder) watermarks(start, high record.Offset) *builder {
	b.last().Watermarks = []Watermark{{t0, start, high}}
	return b
}

func parseRecords(s string) []Record {
	var all []Record
	for field := range strings.FieldsSeq(s) {
		value, offset, _ := strings.Cut(field, "@")
		r := Record{Partition: t0, Offset: NoOffset, Value: value}
		if key, v, ok := strings.Cut(value, "="); ok {
			r.Key, r.Value = key, v
		}
		if offset != "-" {
			if _, err := fmt.Sscan(offset, &r.Offset); err != nil {
				panic(field)
			}
		}
		all = append(all, r)
	}
	return all
}

// want runs every checker: exactly the classes named must be found.
func want(t *testing.T, b *builder, classes ...string) {
	t.Helper()
	wantWith(t, Options{}, b, classes...)
}

func wantWith(t *testing.T, o Options, b *builder, classes ...string) {
	t.Helper()
	found := map[string]bool{}
	for _, f := range All(b.ops, o) {
		found[f.Class] = true
		if !contains(classes, f.Class) {
			t.Errorf("found %v", f)
		}
		if f.Message == "" || f.About == "" {
			t.Errorf("a finding says nothing: %+v", f)
		}
	}
	for _, class := range classes {
		if !found[class] {
			t.Errorf("no %s was found", class)
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func TestCleanHistory(t *testing.T) {
	b := history().
		send("p", "a@0 b@1").
		send("p", "c@2").
		assign("r", 0).
		poll("r", "a@0").watermarks(0, 3).
		poll("r", "b@1 c@2").watermarks(0, 3)
	wantWith(t, Options{Complete: true}, b)
	want(t, history())
}

func TestReportIsBounded(t *testing.T) {
	b := history()
	for i := range 100 {
		b.send("p", fmt.Sprintf("x%d@%d", i, i)).poll("r", fmt.Sprintf("y%d@%d", i, i))
	}
	findings := InconsistentOffsets(NewView(b.ops, Options{}))
	if len(findings) != findingsMax+1 || findings[findingsMax].Message != "and 80 more" {
		t.Errorf("%d findings, the last is %v", len(findings), findings[len(findings)-1])
	}
	if s := findings[0].String(); s != `inconsistent-offsets t-0: offset 0 holds "x0" and "y0" (operations [0 1])` {
		t.Errorf("String() = %s", s)
	}
}

// The same history gives the same report, whatever the order of maps.
func TestReportIsDeterministic(t *testing.T) {
	b := history()
	for i := range 30 {
		p := Partition{fmt.Sprint("topic", i%7), int32(i % 3)}
		b.send(fmt.Sprint("p", i%5), fmt.Sprintf("x%d@%d", i, i/21)).with(func(o *Operation) { o.Records[0].Partition = p })
		b.poll(fmt.Sprint("r", i%5), fmt.Sprintf("y%d@%d", i, i/21)).with(func(o *Operation) { o.Records[0].Partition = p })
	}
	first := fmt.Sprint(All(b.ops, Options{Complete: true}))
	for range 20 {
		if again := fmt.Sprint(All(b.ops, Options{Complete: true})); again != first {
			t.Fatalf("two reports of one history:\n%s\n%s", first, again)
		}
	}
}

func TestCheckersHaveNames(t *testing.T) {
	for _, c := range Checkers {
		if c.Class == "" || c.ID == "" || c.Check == nil {
			t.Errorf("%+v", c)
		}
	}
}

func recordOffset(o int64) record.Offset { return record.Offset(o) }
