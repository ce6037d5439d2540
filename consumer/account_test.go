package consumer_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/skein-io/skein/consumer"
)

// account accounts for the records of one topic that a group reads.
type account struct {
	mu        sync.Mutex
	produced  map[int32]int64 // ends of what is acknowledged, by partition
	read      map[int32]map[int64]int
	next      map[reader]reading
	owners    map[int32]owner
	committed map[int32]int64
	faults    []string
}

type reader struct {
	member    int
	partition int32
}

type reading struct {
	generation int32
	offset     int64
}

type owner struct {
	generation int32
	member     int
}

func newAccount() *account {
	return &account{
		produced: map[int32]int64{}, read: map[int32]map[int64]int{}, next: map[reader]reading{}, owners: map[int32]owner{}, committed: map[int32]int64{},
	}
}

func (l *account) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// acknowledged notes a record that is written.
func (l *account) acknowledged(partition int32, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.produced[partition] = max(l.produced[partition], offset+1)
}

// assigned notes who is given a partition: one member in a generation.
func (l *account) assigned(member int, generation, partition int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o, known := l.owners[partition]; known && o.generation == generation && o.member != member {
		l.fault("partition %d is member %d's and member %d's in generation %d", partition, o.member, member, generation)
	}
	l.owners[partition] = owner{generation, member}
}

// delivered notes a record that Poll returned: one behind the other as long as the member is in the same generation.
func (l *account) delivered(member int, r consumer.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, generation := reader{member, r.Partition}, r.Token().Generation
	if n, known := l.next[at]; known && n.generation == generation && n.offset != r.Offset {
		l.fault("member %d is given offset %d of partition %d in generation %d, and %d was next", member, r.Offset, r.Partition, generation, n.offset)
	}
	l.next[at] = reading{generation, r.Offset + 1}
	if l.read[r.Partition] == nil {
		l.read[r.Partition] = map[int64]int{}
	}
	l.read[r.Partition][r.Offset]++
}

// sawCommitted notes what the coordinator says is committed: never less than before, never more than was read.
func (l *account) sawCommitted(partition int32, at int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at < l.committed[partition] {
		l.fault("what is committed of partition %d goes back from %d to %d", partition, l.committed[partition], at)
	}
	for o := l.committed[partition]; o < at; o++ {
		if l.read[partition][o] == 0 {
			l.fault("%d of partition %d is committed, and %d was not read", at, partition, o)
			break
		}
	}
	l.committed[partition] = max(l.committed[partition], at)
}

// missing counts what is acknowledged and was not read, again how often something was read once more.
func (l *account) missing() (missing, again int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, end := range l.produced {
		for o := range end {
			if l.read[p][o] == 0 {
				missing++
			}
		}
		for _, n := range l.read[p] {
			again += int64(n - 1)
		}
	}
	return missing, again
}

// The account finds what it is made for.
func TestAccount(t *testing.T) {
	record := func(offset int64) consumer.Record { return consumer.Record{Topic: "orders", Offset: offset} }
	for fault, plant := range map[string]func(*account){
		"":                           func(*account) {},
		"is member 1's and member 2": func(l *account) { l.assigned(2, 7, 0) },
		"and 2 was next":             func(l *account) { l.delivered(1, record(3)) },
		"goes back from 2 to 1":      func(l *account) { l.sawCommitted(0, 1) },
		"and 2 was not read":         func(l *account) { l.sawCommitted(0, 3) },
		"missing":                    func(l *account) { l.acknowledged(0, 2) },
	} {
		l := newAccount()
		for o := range int64(2) {
			l.acknowledged(0, o)
		}
		l.assigned(1, 7, 0)
		l.delivered(1, record(0))
		l.delivered(1, record(1))
		l.sawCommitted(0, 2)
		plant(l)
		if missing, _ := l.missing(); missing > 0 {
			l.fault("missing")
		}
		if found := strings.Join(l.faults, "\n"); (found == "") != (fault == "") || !strings.Contains(found, fault) {
			t.Errorf("planted %q, found %q", fault, found)
		}
	}
}
