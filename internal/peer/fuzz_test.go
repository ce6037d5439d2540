package peer

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/skein-io/skein/internal/peer/peertest"
	"github.com/skein-io/skein/internal/protocol"
)

// Whatever a node sends: no panic, and each answer costs at most eight times its bytes and 1 MiB.
func FuzzAnswers(f *testing.F) {
	for key := range protocol.KeyUnregisterController + 1 {
		lowest, highest := protocol.Decodable(key)
		for version := lowest; version <= highest; version++ {
			f.Add(peertest.Response(1, protocol.NewResponse(key), version), int16(key), version, false)
		}
	}
	long := protocol.NewSaslAuthenticateResponse()
	long.AuthBytes = make([]byte, 3*bufferBytesFirst)
	f.Add(peertest.Response(1, long, 2), int16(protocol.KeySaslAuthenticate), int16(2), false)
	f.Add([]byte{0x05, 0xff, 0xff, 0xff, 0, 0, 0, 1}, int16(1), int16(18), true)
	f.Fuzz(func(t *testing.T, input []byte, key, version int16, slowly bool) {
		lowest, highest := protocol.Decodable(protocol.Key(key))
		if version < lowest || version > highest {
			return
		}
		var source io.Reader = bytes.NewReader(input)
		if slowly {
			source = iotest.HalfReader(source)
		}
		a := newAnswers(source, 100<<20)
		left := len(input)
		for {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			frame, err := a.next()
			if err == nil {
				_, _ = decode(frame, protocol.Key(key), version) // an error is fine
			}
			runtime.ReadMemStats(&after)
			used := left
			if err == nil {
				used = len(frame) + 4
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > uint64(8*used+1<<20) {
				t.Errorf("%d bytes cost %d bytes of memory: %v", used, n, err)
			}
			if err != nil {
				if left == 0 && !errors.Is(err, io.EOF) {
					t.Errorf("the end of the input is %v", err)
				}
				return
			}
			left -= used
		}
	})
}
