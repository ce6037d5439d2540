package sink

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Of each name one at a time, whoever gives up meanwhile; other names do not wait; nothing is kept.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns Turns
		inside := map[string]int{}
		var mu sync.Mutex
		count := func(name string, n int) int {
			mu.Lock()
			defer mu.Unlock()
			inside[name] += n
			return inside[name]
		}
		began, gaveUp := time.Now(), 0
		var all sync.WaitGroup
		for i := range 20 {
			name := []string{"a", "b"}[i%2]
			all.Go(func() {
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if i%4 >= 2 {
					ctx, cancel = context.WithTimeout(ctx, 1500*time.Millisecond)
				}
				defer cancel()
				give, err := turns.Take(ctx, name)
				if errors.Is(err, context.DeadlineExceeded) {
					mu.Lock()
					gaveUp++
					mu.Unlock()
					return
				}
				if err != nil || count(name, 1) != 1 {
					t.Errorf("%s: two at a time, or %v", name, err)
				}
				time.Sleep(time.Second)
				count(name, -1)
				give()
			})
		}
		all.Wait()
		if took := time.Since(began); took < 3*time.Second || took > 10*time.Second || gaveUp == 0 || gaveUp > 10 || len(turns.held) > 0 {
			t.Errorf("it took %v, %d gave up, %d are left", took, gaveUp, len(turns.held))
		}
	})
}
