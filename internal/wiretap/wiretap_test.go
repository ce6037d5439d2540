package wiretap

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"slices"
	"testing"

	"github.com/skein-io/skein/internal/protocol"
)

// frameOf is a request or a response as it goes over the wire.
func frameOf(header protocol.Message, headerVersion int16, body protocol.Message, version int16) []byte {
	var w protocol.Writer
	frame := w.BeginFrame()
	header.Encode(&w, headerVersion)
	body.Encode(&w, version)
	w.EndFrame(frame)
	return slices.Clone(w.Bytes())
}

// pieces is a connection that gives what it holds in pieces, and takes everything.
type pieces struct {
	net.Conn
	in     []byte
	random *rand.Rand
}

func (p *pieces) Write(b []byte) (int, error) { return len(b), nil }

func (p *pieces) Read(b []byte) (int, error) {
	n := min(1+p.random.IntN(9), len(p.in), len(b))
	copy(b, p.in[:n])
	p.in = p.in[n:]
	return n, nil
}

// TestTapHearsPieces: frames that come in pieces, between others that are not about groups, are put together, and each
// answer finds its request.
func TestTapHearsPieces(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 2))
		heartbeat, beaten := protocol.NewHeartbeatRequest(), protocol.NewHeartbeatResponse()
		heartbeat.GroupID, heartbeat.MemberID, beaten.ErrorCode = "g", "m", protocol.RebalanceInProgress
		other := protocol.NewApiVersionsRequest()
		var out, in []byte
		for id := range int32(6) {
			if id%2 == 0 { // the answer to the other is any bytes
				out = append(out, frameOf(&protocol.RequestHeader{RequestApiKey: 18, RequestApiVersion: 0, CorrelationID: id}, 1, other, 0)...)
				in = append(in, binary.BigEndian.AppendUint32([]byte{0, 0, 0, 9}, uint32(id))...)
				in = append(in, 1, 2, 3, 4, 5)
				continue
			}
			out = append(out, frameOf(&protocol.RequestHeader{RequestApiKey: 12, RequestApiVersion: 4, CorrelationID: id}, 2, heartbeat, 4)...)
			in = append(in, frameOf(&protocol.ResponseHeader{CorrelationID: id}, 1, beaten, 4)...)
		}
		var heard []Exchange
		tap := New(&pieces{in: in, random: random}, Groups, func(protocol.Key) {}, func(x Exchange) { heard = append(heard, x) })
		for len(out) > 0 {
			n := min(1+random.IntN(20), len(out))
			_, _ = tap.Write(out[:n])
			out = out[n:]
		}
		var passed []byte
		b := make([]byte, 64)
		for len(passed) < len(in) {
			n, _ := tap.Read(b)
			passed = append(passed, b[:n]...)
		}
		if !bytes.Equal(passed, in) {
			t.Fatal("what passed is not what came")
		}
		if len(heard) != 3 {
			t.Fatalf("seed %d: heard %d exchanges of 3", seed, len(heard))
		}
		for _, x := range heard {
			if x.Request.(*protocol.HeartbeatRequest).MemberID != "m" || x.Response.(*protocol.HeartbeatResponse).ErrorCode != protocol.RebalanceInProgress {
				t.Errorf("%+v", x)
			}
		}
	}
}

// FuzzTap: no bytes stop the listening.
func FuzzTap(f *testing.F) {
	join := protocol.NewJoinGroupRequest()
	f.Add(frameOf(&protocol.RequestHeader{RequestApiKey: 11, RequestApiVersion: 9}, 2, join, 9), []byte{0, 0, 0, 9, 0, 0, 0, 0, 1, 2, 3, 4, 5})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 11, 0, 9, 0, 0, 0, 0}, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(_ *testing.T, out, in []byte) {
		tap := New(&pieces{in: in, random: rand.New(rand.NewPCG(1, 1))}, Groups, func(protocol.Key) {}, func(Exchange) {})
		_, _ = tap.Write(out)
		b := make([]byte, 16)
		for {
			if n, _ := tap.Read(b); n == 0 {
				return
			}
		}
	})
}
