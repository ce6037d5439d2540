package server

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

// shuffler ends calls in another order than they came, from goroutines of its own, some at once and some when a later
// request comes.
type shuffler struct {
	mu      sync.Mutex
	random  *rand.Rand
	waiting []*api.Call
	work    chan struct{}
}

func (h *shuffler) start(call *api.Call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch h.random.IntN(4) {
	case 0:
		go call.OnLater(func() { reply(call) })
	case 1:
		reply(call)
	default:
		h.waiting = append(h.waiting, call)
		h.work <- struct{}{}
	}
}

// run ends one waiting call for each token of work.
func (h *shuffler) run() {
	for range h.work {
		h.mu.Lock()
		i := h.random.IntN(len(h.waiting))
		call := h.waiting[i]
		h.waiting[i] = h.waiting[len(h.waiting)-1]
		h.waiting = h.waiting[:len(h.waiting)-1]
		h.mu.Unlock()
		if call.Key == protocol.KeyProduce {
			call.ReleaseFrame()
		}
		reply(call)
	}
}

// Whatever the order in which calls end: every client has every answer, in its order.
func TestManyClientsAtRandom(t *testing.T) {
	limits := roomy()
	limits.InflightMax = 7
	limits.InflightBytesMax = 20_000
	limits.QueuedBytesMax = 100_000
	s := newTCPStand(t, limits)
	s.handler.started = make(chan *api.Call, 100_000)
	h := &shuffler{random: rand.New(rand.NewPCG(5, 6)), work: make(chan struct{}, 100_000)}
	s.handler.on(h.start)
	var workers, clients sync.WaitGroup
	for range 3 {
		workers.Go(h.run)
	}
	for seed := range uint64(6) {
		p := s.dial()
		const requests = 400
		clients.Go(func() {
			random := rand.New(rand.NewPCG(seed, 9))
			for id := int32(1); id <= requests; id++ {
				switch p.last = id - 1; random.IntN(5) {
				case 0:
					p.send(protocol.KeyMetadata)
				case 1:
					p.write(produce(id, random.IntN(30_000)))
				default:
					p.send(protocol.KeyHeartbeat)
				}
			}
			p.last = requests
			p.send(protocol.KeyMetadata) // lets the last one go that waits for a later one
		})
		clients.Go(func() {
			for id := int32(1); id <= requests; id++ {
				if got, _, err := p.read(); err != nil || got != id {
					t.Errorf("client %d read the answer %d, %v; want %d", seed, got, err, id)
					break
				}
			}
			_ = p.Close()
		})
	}
	clients.Wait()
	if err := s.server.Close(context.Background()); err != nil {
		t.Error(err)
	}
	close(h.work)
	workers.Wait()
	if n := s.server.BytesInFlight(); n != 0 {
		t.Errorf("%d bytes are in flight after the end", n)
	}
}
