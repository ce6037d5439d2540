package check

import (
	"math"
	"slices"
	"strings"

	"github.com/skein-io/skein/internal/record"
)

// Options are what a history does not say of itself.
type Options struct {
	Complete  bool               // all faults were healed, and then somebody read every partition to its end
	Compacted map[Partition]bool // partitions where a record may go once a later one has its key
	// Replicated says that several brokers hold each partition. One that takes the lead may tell a lower high watermark with
	// what is read from it, as in Kafka, until it has heard of the others; and its log may begin earlier, for each replica
	// deletes old records for itself.
	Replicated bool
}

// View is a history with what all senders and readers together know about each partition. It is built once and only
// read after that.
type View struct {
	options Options
	ops     []Operation
	logs    map[Partition]*log
	order   []Partition // of logs, sorted
	byStart []int       // operations in the order of Invoked
}

// log is what is known of one partition.
type log struct {
	partition   Partition
	offsets     []record.Offset            // known to hold something, sorted
	index       map[record.Offset]int      // place in offsets
	values      map[record.Offset][]seen   // what was there, each value once
	places      map[string][]record.Offset // where a value was, each offset once
	read        map[string]bool            // values that somebody read
	sent        map[string]sending         // who sent a value
	sentOrder   []string                   // the values sent, in the order of the history
	batches     map[int]record.Offset      // where the batch of a send begins
	highestRead record.Offset              // NoOffset if nothing was read
	start       record.Offset              // the highest log start that anybody saw or asked for

	keys   map[record.Offset]string // of a compacted partition: the key at an offset,
	newest map[string]record.Offset // and the highest offset of each key
}

// seen is a value and the operation that saw it first.
type seen struct {
	value string
	op    int
}

// sending is where a value was sent: the operation and the place among the records that it sent to the partition.
type sending struct {
	op       int // of several attempts the one that says most
	first    int // the one that began first
	place    int
	attempts int
}

// NewView looks through a history. It keeps the slice.
func NewView(history []Operation, o Options) *View {
	v := &View{options: o, ops: history, logs: map[Partition]*log{}}
	for i := range history {
		v.add(i)
	}
	for p, l := range v.logs {
		v.order = append(v.order, p)
		l.finish()
	}
	slices.SortFunc(v.order, comparePartitions)
	for i := range history {
		v.byStart = append(v.byStart, i)
	}
	sortBy(v.byStart, func(i int) int64 { return history[i].Invoked })
	return v
}

func (v *View) add(i int) {
	op := &v.ops[i]
	switch op.Kind {
	case Send:
		v.addSend(i)
	case Poll:
		for _, r := range op.Records {
			l := v.log(r.Partition)
			l.see(r, i)
			l.read[r.Value] = true
			l.highestRead = max(l.highestRead, r.Offset)
		}
		fallthrough
	case ListOffsets:
		if op.Outcome == OK {
			for _, w := range op.Watermarks {
				l := v.log(w.Partition)
				l.start = max(l.start, w.LogStart)
			}
		}
	case DeleteRecords:
		if op.Outcome != Fail {
			for _, p := range op.Positions {
				l := v.log(p.Partition)
				l.start = max(l.start, p.Offset)
			}
		}
	}
}

func (v *View) addSend(i int) {
	places := map[Partition]int{}
	for _, r := range v.ops[i].Records {
		l := v.log(r.Partition)
		s, again := l.sent[r.Value]
		if !again {
			l.sentOrder = append(l.sentOrder, r.Value)
		}
		if !again || v.ops[i].Invoked < v.ops[s.first].Invoked {
			s.first = i
		}
		if !again || v.rank(i) > v.rank(s.op) {
			s.op, s.place = i, places[r.Partition]
		}
		s.attempts++
		l.sent[r.Value] = s
		places[r.Partition]++
		if v.ops[i].Outcome == OK && r.Offset >= 0 {
			l.see(r, i)
		}
	}
}

// rank orders the attempts at one send: one that succeeded says most, one that failed least.
func (v *View) rank(op int) int {
	switch v.ops[op].Outcome {
	case OK:
		return 2
	case Fail:
		return 0
	}
	return 1
}

func (v *View) log(p Partition) *log {
	l := v.logs[p]
	if l == nil {
		l = &log{partition: p, index: map[record.Offset]int{}, values: map[record.Offset][]seen{},
			places: map[string][]record.Offset{}, read: map[string]bool{}, sent: map[string]sending{},
			batches: map[int]record.Offset{}, highestRead: NoOffset}
		if v.options.Compacted[p] {
			l.keys, l.newest = map[record.Offset]string{}, map[string]record.Offset{}
		}
		v.logs[p] = l
	}
	return l
}

func (l *log) see(r Record, op int) {
	if !slices.ContainsFunc(l.values[r.Offset], func(s seen) bool { return s.value == r.Value }) {
		l.values[r.Offset] = append(l.values[r.Offset], seen{r.Value, op})
	}
	if !slices.Contains(l.places[r.Value], r.Offset) {
		l.places[r.Value] = append(l.places[r.Value], r.Offset)
	}
	if l.newest != nil && r.Key != "" {
		l.keys[r.Offset] = r.Key
		l.newest[r.Key] = max(l.newest[r.Key], r.Offset)
	}
}

func (l *log) finish() {
	for o := range l.values {
		l.offsets = append(l.offsets, o)
	}
	slices.Sort(l.offsets)
	for i, o := range l.offsets {
		l.index[o] = i
	}
	for _, value := range l.sentOrder {
		s := l.sent[value]
		if _, known := l.batches[s.op]; !known && len(l.places[value]) > 0 {
			l.batches[s.op] = l.places[value][0] - record.Offset(s.place)
		}
	}
}

// place is the offset of a value, if one is known. Of a batch one record that was seen tells where the others are.
func (l *log) place(value string) (record.Offset, bool) {
	if places := l.places[value]; len(places) > 0 {
		return places[0], true
	}
	s, sent := l.sent[value]
	first, known := l.batches[s.op]
	return first + record.Offset(s.place), sent && known
}

// kept tells whether a value that was sent must be in the log: it was acknowledged, or a record of its batch was read.
func (v *View) kept(l *log, value string) bool {
	s, sent := l.sent[value]
	if !sent {
		return false
	}
	_, known := l.batches[s.op]
	return v.ops[s.op].Outcome == OK || v.ops[s.op].Outcome == Info && known
}

// mayBeGone tells whether the record at an offset may have been deleted or compacted away.
func (l *log) mayBeGone(o record.Offset) bool {
	if o < l.start {
		return true
	}
	key, ok := l.keys[o]
	return ok && l.newest[key] > o
}

// completed is the end of an operation for comparisons: one that never came back ends after everything.
func (o *Operation) completed() int64 {
	if o.Completed == Never {
		return math.MaxInt64
	}
	return o.Completed
}

// perProcess gives the operations of each process in the order of Invoked, processes in the order of names.
func (v *View) perProcess(kinds ...Kind) [][]int {
	byProcess := map[string][]int{}
	for _, i := range v.byStart {
		if slices.Contains(kinds, v.ops[i].Kind) {
			byProcess[v.ops[i].Process] = append(byProcess[v.ops[i].Process], i)
		}
	}
	var all [][]int
	for _, process := range sortedKeys(byProcess, strings.Compare) {
		all = append(all, byProcess[process])
	}
	return all
}
