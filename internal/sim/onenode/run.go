package onenode

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/check"
)

// Result is what a run showed.
type Result struct {
	Options  Options
	Findings []check.Finding
	History  []check.Operation
	Reached  map[string]int // how often named states were reached
	Sum      uint64         // of the trace
	Lines    uint64
	Trace    []string // the end of it
}

// Failed says whether anything was found.
func (r *Result) Failed() bool { return len(r.Findings) > 0 }

// Report says what was found, and how to see it again.
func (r *Result) Report(traceLines int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, options %v\n", r.Options.Seed, r.Options)
	for _, f := range r.Findings {
		fmt.Fprintln(&b, f)
		for _, i := range f.Operations {
			if i >= 0 && i < len(r.History) {
				line, _ := json.Marshal(&r.History[i]) // plain values
				fmt.Fprintf(&b, "    operation %d: %s\n", i, line)
			}
		}
	}
	fmt.Fprintf(&b, "--- the end of the trace; again with SKEIN_SEED=%d\n", r.Options.Seed)
	b.WriteString(strings.Join(r.Trace[max(0, len(r.Trace)-traceLines):], "\n"))
	return b.String()
}

// Run runs one history and judges it.
func Run(o Options) *Result {
	w := newWorld(o)
	w.begin()
	w.run(sim.Instant(o.Attack))
	w.nemesis.end()
	w.demandProgress()
	w.readAll()
	history := w.recorder.History()
	findings := append(w.findings, check.All(history, check.Options{Complete: len(w.findings) == 0})...)
	return &Result{Options: o, Findings: findings, History: history, Reached: w.reached,
		Sum: w.Trace().Sum(), Lines: w.Trace().Count(), Trace: w.Trace().Lines()}
}

func (w *world) run(until sim.Instant) {
	if err := w.Run(until); err != nil {
		w.wrong("endless", "world", "%v", err)
	}
}

// begin starts the broker, has the topic created, and lets everybody work.
func (w *world) begin() {
	o := w.options
	place := w.Rand("places")
	for i := range o.Idempotent {
		w.producers = append(w.producers, newProducer(w, fmt.Sprint("idempotent", i), int32(place.IntN(o.Partitions)), true))
	}
	for i := range o.Plain {
		w.producers = append(w.producers, newProducer(w, fmt.Sprint("plain", i), int32(place.IntN(o.Partitions)), false))
	}
	for i := range o.Readers {
		w.readers = append(w.readers, newReader(w, fmt.Sprint("reader", i)))
	}
	for i := range o.Members {
		instance := ""
		if place.Chance(400) {
			instance = fmt.Sprint("instance", i-place.IntN(2)) // two may claim one
		}
		w.members = append(w.members, newMember(w, fmt.Sprint("member", i), instance))
	}
	for i := range o.Committers {
		w.committers = append(w.committers, newCommitter(w, fmt.Sprint("committer", i)))
	}
	w.admin = newAdmin(w)
	if o.FailAt > 0 {
		w.nemesis.failAt(o.FailOp, o.FailAt)
	}
	w.nemesis.firstStart()
	w.node.start()
	w.admin.start(func() {
		for _, p := range w.producers {
			p.start()
		}
		for _, r := range w.readers {
			r.start()
		}
		for _, m := range w.members {
			m.start()
		}
		for _, c := range w.committers {
			c.start()
		}
		w.nemesis.begin()
	})
}

// readAll cuts the power a last time and reads every partition from its start to its end: what was served after the last
// recovery must survive it.
func (w *world) readAll() {
	if len(w.findings) > 0 {
		return
	}
	ends := w.ends()
	w.node.end(true, 0)
	w.run(w.Now().Add(time.Second))
	last := newReader(w, "last")
	last.until = ends
	read := false
	last.done = func() { read = true }
	last.start()
	if _, err := w.RunUntil(w.Now().Add(30*time.Second), func() bool { return read }); err != nil || !read {
		w.wrong("liveness", "last", "the last reader stands at %v and should reach %v: %v", last.list(), ends, err)
	}
}

// ends is the high watermark of each partition, which at rest is the log's end.
func (w *world) ends() map[check.Partition]record.Offset {
	ends := map[check.Partition]record.Offset{}
	l := w.node.life
	for index := range int32(w.options.Partitions) {
		p := check.Partition{Topic: topicName, Index: index}
		hosted := l.host.Find(topicName, index)
		if hosted == nil {
			w.wrong("liveness", p.String(), "the partition is not served")
			continue
		}
		if hosted.HighWatermark() != hosted.LogEnd() {
			w.wrong("liveness", p.String(), "at rest the high watermark is %d and the log's end %d", hosted.HighWatermark(), hosted.LogEnd())
		}
		ends[p] = hosted.HighWatermark()
	}
	return ends
}
