package server

import (
	"io"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// scripted is a connection whose peer sent everything and reads nothing.
type scripted struct {
	net.Conn
	input []byte
	step  int // most bytes of one Read
}

func (c *scripted) Read(b []byte) (int, error) {
	if len(c.input) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), c.step)], c.input)
	c.input = c.input[n:]
	return n, nil
}

func (*scripted) Write(b []byte) (int, error)      { return len(b), nil }
func (*scripted) Close() error                     { return nil }
func (*scripted) RemoteAddr() net.Addr             { return nil }
func (*scripted) SetReadDeadline(time.Time) error  { return nil }
func (*scripted) SetWriteDeadline(time.Time) error { return nil }

// readAll runs a connection over the input to its end.
func readAll(input []byte, step int) *Server {
	s := New(roomy(), servingHandler{}, slog.New(slog.DiscardHandler))
	c := newConn(s, wireOf(&scripted{input: input, step: step}), addressOf(&scripted{}), "FUZZ")
	c.readFirst = true // larger frames than the first one may be
	if s.admission.enter(c.ip, s.limits(), s.filesMax) == nil {
		c.read()
	}
	s.goroutines.Wait()
	return s
}

// servingHandler serves every version that can be decoded, and answers at once.
type servingHandler struct{ benchHandler }

func (servingHandler) UnsupportedVersion() protocol.Message { return protocol.NewApiVersionsResponse() }

// Whatever arrives: no panic, nothing is lost of the budget, and memory stays within eight times the input and 1 MiB.
func FuzzConnection(f *testing.F) {
	for _, c := range hostile {
		f.Add(c.bytes, uint16(7))
	}
	for key := range protocol.Key(95) {
		lowest, highest := protocol.Decodable(key)
		for version := lowest; version <= highest; version++ {
			if request := protocol.NewRequest(key); request != nil {
				f.Add(frame(key, version, 1, "fuzz", request), uint16(1+version*100))
			}
		}
	}
	f.Add(append(produce(1, 10_000), produce(2, 3)...), uint16(4096))
	f.Fuzz(func(t *testing.T, input []byte, step uint16) {
		readAll(nil, 1) // what the first use of a pool costs
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s := readAll(input, int(step)+1)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > uint64(8*len(input)+1<<20) {
			t.Errorf("%d bytes of input cost %d bytes of memory", len(input), n)
		}
		if s.BytesInFlight() != 0 || s.buffers.borrowed != 0 {
			t.Errorf("%d bytes are in flight and %d borrowed after the end", s.BytesInFlight(), s.buffers.borrowed)
		}
	})
}
