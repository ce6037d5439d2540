// Package exampletest runs an example against a broker in a test, and looks at what it prints.
package exampletest

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/skeintest"
)

// patience is for a slow machine.
const patience = time.Minute

// Bed is a broker with topics of one partition.
type Bed struct {
	*testing.T
	Broker string
	// Context is what the example runs in; Output.End ends it, Again makes a new one.
	Context context.Context

	cancel   context.CancelFunc
	producer *kgo.Client
}

// New starts a broker and makes topics.
func New(t *testing.T, topics ...string) *Bed {
	t.Helper()
	node := skeintest.Start(t)
	producer, err := kgo.NewClient(kgo.SeedBrokers(node.Bootstrap()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	if _, err := kadm.NewClient(producer).CreateTopics(t.Context(), 1, 1, nil, topics...); err != nil {
		t.Fatal(err)
	}
	b := &Bed{T: t, Broker: node.Bootstrap(), producer: producer}
	b.Context, b.cancel = context.WithCancel(context.Background())
	return b
}

// Produce writes values; "key=value" has a key.
func (b *Bed) Produce(topic string, values ...string) {
	b.Helper()
	for _, v := range values {
		r := &kgo.Record{Topic: topic, Value: []byte(v)}
		if key, value, ok := strings.Cut(v, "="); ok {
			r.Key, r.Value = []byte(key), []byte(value)
		}
		if err := b.producer.ProduceSync(b.T.Context(), r).FirstErr(); err != nil {
			b.Fatal(err)
		}
	}
}

// Output is what a running example prints.
type Output struct {
	bed    *Bed
	mu     sync.Mutex
	text   bytes.Buffer
	result chan error
}

// Start runs an example.
func (b *Bed) Start(example func(io.Writer) error) *Output {
	o := &Output{bed: b, result: make(chan error, 1)}
	go func() { o.result <- example(o) }()
	b.Cleanup(b.cancel)
	return o
}

// Again runs it once more, after End.
func (b *Bed) Again(example func(io.Writer) error) *Output {
	b.Context, b.cancel = context.WithCancel(context.Background())
	return b.Start(example)
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// Lines are those that are printed by now.
func (o *Output) Lines() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Split(strings.TrimSpace(o.text.String()), "\n")
}

// Expect waits until exactly these lines are printed.
func (o *Output) Expect(lines ...string) { o.expect(func(got []string) []string { return got }, lines) }

// ExpectInAnyOrder is Expect for examples that do several things at a time.
func (o *Output) ExpectInAnyOrder(lines ...string) {
	slices.Sort(lines)
	o.expect(func(got []string) []string { return slices.Sorted(slices.Values(got)) }, lines)
}

func (o *Output) expect(order func([]string) []string, lines []string) {
	o.bed.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		got := order(o.Lines())
		if slices.Equal(got, lines) {
			return
		}
		select {
		case err := <-o.result:
			o.bed.Fatalf("the example ended with %v after\n%s", err, strings.Join(got, "\n"))
		default:
		}
		if time.Now().After(deadline) {
			o.bed.Fatalf("it printed\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
		}
	}
}

// End ends the example, which has to be content.
func (o *Output) End() {
	o.bed.Helper()
	o.bed.cancel()
	select {
	case err := <-o.result:
		if err != nil {
			o.bed.Fatal(err)
		}
	case <-time.After(patience):
		o.bed.Fatal("the example does not end")
	}
}

// ExpectSome waits until at least n lines are printed.
func (o *Output) ExpectSome(n int) {
	o.wait(func(got []string) bool { return len(got) >= n && got[0] != "" })
}

// ExpectLast waits until the last line is this one.
func (o *Output) ExpectLast(line string) {
	o.wait(func(got []string) bool { return got[len(got)-1] == line })
}

func (o *Output) wait(enough func([]string) bool) {
	o.bed.Helper()
	for deadline := time.Now().Add(patience); !enough(o.Lines()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			o.bed.Fatalf("it printed\n%s", strings.Join(o.Lines(), "\n"))
		}
	}
}

// Stop ends the example, whatever it says of that.
func (o *Output) Stop() {
	o.bed.Helper()
	o.bed.cancel()
	select {
	case <-o.result:
	case <-time.After(patience):
		o.bed.Fatal("the example does not end")
	}
}
