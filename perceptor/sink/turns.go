package sink

import (
	"context"
	"sync"
)

// Turns lets one at a time do something about each name: a truncate comes once for each partition of its topic, and takes long. The zero
// Turns is ready. Safe for concurrent use.
type Turns struct {
	mu   sync.Mutex
	held map[string]*turn
}

type turn struct {
	taken chan struct{} // of one place
	users int
}

// Take waits for the name's turn, and returns how to give it back. It is the error of ctx if that ends before.
func (t *Turns) Take(ctx context.Context, name string) (give func(), err error) {
	t.mu.Lock()
	one := t.held[name]
	if one == nil {
		if t.held == nil {
			t.held = map[string]*turn{}
		}
		one = &turn{taken: make(chan struct{}, 1)}
		t.held[name] = one
	}
	one.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(t.held, name)
		}
	}
	select {
	case one.taken <- struct{}{}:
		return func() { <-one.taken; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
