package server

import (
	"math"
	"net/netip"
	"time"

	"github.com/skein-io/skein/internal/config"
)

// Config is the limits of a Server, under the names of the properties that they come from.
type Config struct {
	MaxConnections              int
	MaxConnectionsPerIP         int
	MaxConnectionsPerIPOverride map[netip.Addr]int
	ConnectionsMaxIdle          time.Duration
	HandshakeTimeout            time.Duration // for the first frame, whole
	StallTimeout                time.Duration // for a frame or an answer, plus its size by BytesPerSecondMin
	BytesPerSecondMin           int64
	FrameBytesMax               int64 // socket.request.max.bytes
	FirstFrameBytesMax          int64 // socket.request.first.max.bytes
	InflightMax                 int   // requests of one connection
	InflightBytesMax            int64 // bytes of one connection
	QueuedBytesMax              int64 // bytes of all connections
	DrainTimeout                time.Duration
	BuffersKept                 int64 // bytes of unused buffers that are kept for the next frame
}

// buffersKeptMax bounds the memory that frames leave behind.
const buffersKeptMax = 64 << 20

// ConfigOf takes the limits from a broker's configuration.
func ConfigOf(b *config.Broker) Config {
	return Config{
		MaxConnections:              b.MaxConnections,
		MaxConnectionsPerIP:         b.MaxConnectionsPerIP,
		MaxConnectionsPerIPOverride: b.MaxConnectionsPerIPOverride,
		ConnectionsMaxIdle:          b.ConnectionsMaxIdle,
		HandshakeTimeout:            b.ConnectionHandshakeTimeout,
		StallTimeout:                b.ConnectionStallTimeout,
		BytesPerSecondMin:           int64(b.ConnectionBytesPerSecondMin),
		FrameBytesMax:               int64(b.SocketRequestMax),
		FirstFrameBytesMax:          min(int64(b.SocketRequestFirstMax), int64(b.SocketRequestMax)),
		InflightMax:                 b.ConnectionInflightMax,
		InflightBytesMax:            int64(b.ConnectionInflightBytesMax),
		QueuedBytesMax:              queuedBytesMax(b.QueuedRequestBytesMax),
		DrainTimeout:                b.ShutdownDrainTimeout,
		BuffersKept:                 min(buffersKeptMax, int64(b.QueuedRequestBytesMax)),
	}
}

// queuedBytesMax is 0, no limit, where the property sets none.
func queuedBytesMax(b config.Bytes) int64 {
	if b == config.NoLimit || b == 0 {
		return 0
	}
	return int64(b)
}

// overdraftSpeed is how many times BytesPerSecondMin a request must come that took more than its share of the memory.
const overdraftSpeed = 64

// growthLimit is stallLimit for n bytes of a request that has more memory than before.
func (c *Config) growthLimit(n int64, overdraft bool) time.Duration {
	if overdraft {
		n /= overdraftSpeed
	}
	return c.stallLimit(n)
}

// stallLimit is the time that n bytes may take.
func (c *Config) stallLimit(n int64) time.Duration {
	seconds := n / max(1, c.BytesPerSecondMin)
	if seconds > math.MaxInt64/int64(4*time.Second) {
		return math.MaxInt64 / 2
	}
	return c.StallTimeout + time.Duration(seconds)*time.Second
}
