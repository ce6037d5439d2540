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
