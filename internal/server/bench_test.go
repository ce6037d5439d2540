package server

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

// benchHandler answers at once, or hands over to a goroutine as a coordinator does.
type benchHandler struct {
	later chan *api.Call
}

func (benchHandler) Row(_ *api.Client, key protocol.Key, _ int16) (api.Stage, bool) {
	if key == protocol.KeyHeartbeat || key == protocol.KeyProduce {
		return api.Overlaps, true
	}
	return api.Barrier, true
}

func (h benchHandler) Start(call *api.Call) {
	if h.later != nil {
		h.later <- call
		return
	}
	answer(call)
}

func answer(call *api.Call) {
	if call.Key == protocol.KeyProduce {
		call.ReleaseFrame()
		call.Reply(&protocol.ProduceResponse{})
		return
	}
	call.Reply(&protocol.HeartbeatResponse{})
}

func (benchHandler) UnsupportedVersion() protocol.Message { return nil }

// benchRequests sends requests on connections, each with depth in flight, and counts the answers.
func benchRequests(b *testing.B, request []byte, connections, depth int, later bool) {
	limits := roomy()
	limits.BuffersKept = buffersKeptMax
	s := newTCPStand(b, limits)
	handler := benchHandler{}
	if later {
		handler.later = make(chan *api.Call, 1000)
		go func() {
			for call := range handler.later {
				answer(call)
			}
		}()
		b.Cleanup(func() { close(handler.later) })
	}
	s.server.handler = handler
	var left atomic.Int64
	left.Store(int64(b.N))
	b.SetBytes(int64(len(request)))
	b.ReportAllocs()
	var clients sync.WaitGroup
	conns := make([]net.Conn, connections)
	for i := range conns {
		p := s.dial()
		conns[i] = p.Conn
		_, _ = p.Write(frame(protocol.KeyHeartbeat, 3, 0, "bench", &protocol.HeartbeatRequest{})) // the first one is small
		if _, _, err := p.read(); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	begun, cpu := time.Now(), cpuTime()
	for _, conn := range conns {
		clients.Go(func() { pump(b, conn, request, depth, &left) })
	}
	clients.Wait()
	b.ReportMetric(float64(b.N)/time.Since(begun).Seconds(), "requests/s")
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/op")
}

func pump(b *testing.B, conn net.Conn, request []byte, depth int, left *atomic.Int64) {
	inFlight := 0
	send := func() bool {
		if left.Add(-1) < 0 {
			return false
		}
		if _, err := conn.Write(request); err != nil {
			b.Error(err)
		}
		inFlight++
		return true
	}
	for range depth {
		if !send() {
			break
		}
	}
	var buffer [1024]byte
	for inFlight > 0 {
		if _, err := io.ReadFull(conn, buffer[:4]); err != nil {
			b.Error(err)
			return
		}
		if _, err := io.ReadFull(conn, buffer[:binary.BigEndian.Uint32(buffer[:])]); err != nil {
			b.Error(err)
			return
		}
		inFlight--
		send()
	}
}

func BenchmarkHeartbeats(b *testing.B) {
	request := frame(protocol.KeyHeartbeat, 3, 1, "bench", &protocol.HeartbeatRequest{GroupID: "group-1", GenerationID: 3, MemberID: "member-1"})
	b.Run("16x1", func(b *testing.B) { benchRequests(b, request, 16, 1, false) })
	b.Run("16x1 later", func(b *testing.B) { benchRequests(b, request, 16, 1, true) })
	b.Run("1x50", func(b *testing.B) { benchRequests(b, request, 1, 50, false) })
	b.Run("1x50 later", func(b *testing.B) { benchRequests(b, request, 1, 50, true) })
}

func BenchmarkProduce(b *testing.B) {
	small := produceBench(300)
	large := produceBench(1 << 20)
	b.Run("300B 4x5", func(b *testing.B) { benchRequests(b, small, 4, 5, false) })
	b.Run("1MiB 1x1", func(b *testing.B) { benchRequests(b, large, 1, 1, false) })
	b.Run("1MiB 4x3", func(b *testing.B) { benchRequests(b, large, 4, 3, false) })
}

func produceBench(n int) []byte { return produce(1, n) }

// cpuTime is what the process has spent, client and server together.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
