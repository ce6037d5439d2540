package consumer

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/consumer/internal/parallel"
)

// TestTimerOfWhatIsDue: the timer of Run does not ring again and again for a delay that is over until a worker takes it.
func TestTimerOfWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &runner{scheduler: parallel.New[TopicPartition, *attempts](parallel.Config{Workers: 1, PartitionMax: 10, TotalMax: 10, AheadMax: 40, PollMax: 1})}
		r.work = sync.NewCond(&r.mu)
		r.timer = time.AfterFunc(time.Hour, r.wakeWorkers)
		name := TopicPartition{Topic: "t"}
		r.scheduler.Assign(name)
		for offset := range int64(2) {
			must(r.scheduler.Add(name, offset, -1, nil, &attempts{}))
		}
		item, _ := r.scheduler.Next(time.Now())
		r.scheduler.Done(time.Now(), item.Ticket, parallel.Result{Outcome: parallel.Retry, Delay: time.Second})
		r.wakeWorkers()
		time.Sleep(time.Second)
		synctest.Wait()
		if r.timer.Stop() {
			t.Fatal("the timer is set, though only a worker can do something")
		}
		if _, ok := r.scheduler.Next(time.Now()); !ok {
			t.Fatal("there is nothing for the worker")
		}
	})
}

// TestAssignedWhileFull: a partition that is assigned while as many records wait as may be is paused before it brings
// more, and one that is assigned while there is room is not, whatever was said of it before.
func TestAssignedWhileFull(t *testing.T) {
	old, next := TopicPartition{Topic: "t", Partition: 0}, TopicPartition{Topic: "t", Partition: 1}
	c, _ := told(t, []TopicPartition{old, next}, nil)
	t.Cleanup(c.cancel)
	r := &runner{c: c, held: map[TopicPartition]*holding{}, scheduler: parallel.New[TopicPartition, *attempts](parallel.Config{Workers: 1, PartitionMax: 10, TotalMax: 10, AheadMax: 40, PollMax: 5})}
	must(c.Pause(old)) // as if its last assignment had been full
	r.assigned(t.Context(), c, []TopicPartition{old})
	if c.table.Get(old).Paused {
		t.Fatal("it is paused, and there is room")
	}
	for offset := range int64(6) {
		must(r.scheduler.Add(old, offset, -1, nil, &attempts{}))
	}
	r.assigned(t.Context(), c, []TopicPartition{next})
	if !c.table.Get(next).Paused || !r.held[next].paused {
		t.Fatal("it is not paused, and a Poll may bring more than there is room for")
	}
}
