package quorum

import "github.com/skein-io/skein/internal/metadata"

// Subscriber is told of each new image, in order, on the node's goroutine, before the request that caused it is
// answered. It must be quick and must not wait for the node. Images are never skipped; a delta is never empty, but perhaps
// the first.
type Subscriber func(before, after *metadata.Image, delta *metadata.Delta)

// Subscribe adds a subscriber. Before Subscribe returns the subscriber is told of the present image, as if everything in
// it were new, on the caller's goroutine: before is an empty image.
func (n *Node) Subscribe(s Subscriber) {
	n.publishing.Lock()
	defer n.publishing.Unlock()
	image := n.image.Load()
	s(metadata.NewImage(image.ClusterID()), image, metadata.Whole(image))
	n.subscribers = append(n.subscribers, s)
}

func (n *Node) publish(image *metadata.Image, delta *metadata.Delta) {
	n.publishing.Lock()
	defer n.publishing.Unlock()
	before := n.image.Load()
	n.image.Store(image)
	if delta.Empty() {
		return
	}
	for _, s := range n.subscribers {
		s(before, image, delta)
	}
}
