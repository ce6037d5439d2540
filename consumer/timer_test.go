package consumer

import (
	"testing"
	"time"
)

// TestTimerOutsideOfTheGroup: while the application works for long and the member is in no generation, the timer is not
// set for the verdict that is not given: it would ring all the time.
func TestTimerOutsideOfTheGroup(t *testing.T) {
	c, _ := told(t, []TopicPartition{{Topic: "t"}}, nil)
	t.Cleanup(c.cancel)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.working = working{since: now.Add(-c.cfg.pollIntervalMax), runs: []StalledRun{{}}}
	c.setTimer(now)
	if !c.timerAt.IsZero() && !c.timerAt.After(now) {
		t.Fatalf("the timer is set for %v ago", now.Sub(c.timerAt))
	}
	if c.judge(now); c.working.told {
		t.Fatal("a verdict is told of partitions that the member has not")
	}
}
