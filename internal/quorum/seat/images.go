package seat

import (
	"sync"
	"sync/atomic"

	"github.com/skein-io/skein/internal/metadata"
)

// Subscriber is told of each new image, in order, on the node's goroutine, before the request that caused it is
// answered. It must be quick and must not wait for the node. Images are never skipped; a delta is never empty, but perhaps
// the first.
type Subscriber func(before, after *metadata.Image, delta *metadata.Delta)

// Images is the cluster as a node knows it, and who is told of changes. One goroutine publishes.
type Images struct {
	image atomic.Pointer[metadata.Image]

	publishing  sync.Mutex // held while subscribers are told
	subscribers []Subscriber
}

// Image is the present one.
func (m *Images) Image() *metadata.Image { return m.image.Load() }

// Begin sets the image that the node starts with. Nobody is told.
func (m *Images) Begin(image *metadata.Image) { m.image.Store(image) }

// Subscribe adds a subscriber. Before Subscribe returns the subscriber is told of the present image, as if everything in
// it were new, on the caller's goroutine: before is an empty image.
func (m *Images) Subscribe(s Subscriber) {
	m.publishing.Lock()
	defer m.publishing.Unlock()
	image := m.image.Load()
	s(metadata.NewImage(image.ClusterID()), image, metadata.Whole(image))
	m.subscribers = append(m.subscribers, s)
}

// Publish makes an image the present one, and tells of it.
func (m *Images) Publish(image *metadata.Image, delta *metadata.Delta) {
	m.publishing.Lock()
	defer m.publishing.Unlock()
	before := m.image.Load()
	m.image.Store(image)
	if delta.Empty() {
		return
	}
	for _, s := range m.subscribers {
		s(before, image, delta)
	}
}
