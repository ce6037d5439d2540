package server

import (
	"errors"
	"io"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// TestHowConnectionsEnd: a connection on which nothing but ApiVersions was answered is reset by a server that ends it for reasons of
// its own, so that no client takes it for a port that wants TLS or SASL. Whoever had an answer, or does not speak Kafka's protocol,
// reads a plain end.
func TestHowConnectionsEnd(t *testing.T) {
	limits := roomy()
	limits.MaxConnectionsPerIP = 8
	inBubble(t, limits, func(s *stand) {
		s.handler.on(reply)
		answered := s.dial()
		answered.send(protocol.KeyHeartbeat)
		answered.expect(1)
		versions := s.dial()
		versions.send(protocol.KeyApiVersions)
		versions.expect(1)
		tls := s.dial()
		tls.write([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03"))
		unknown := s.dial()
		unknown.write(frame(protocol.KeySaslHandshake, 999, 1, "tester", protocol.NewHeartbeatRequest()))
		silent := s.dial()
		synctest.Wait()
		time.Sleep(limits.HandshakeTimeout + time.Second)
		s.handler.on(nil)
		waiting, fresh := s.dial(), s.dial()
		waiting.send(protocol.KeyHeartbeat)
		synctest.Wait()
		for range limits.MaxConnectionsPerIP {
			s.dial()
		}
		tooMany := s.dial()
		synctest.Wait()
		if err := s.server.Close(s.t.Context()); err != nil {
			s.t.Error(err)
		}
		for name, end := range map[string]struct {
			of   *peer
			want error
		}{
			"that had an answer":                 {answered, io.EOF},
			"that was only told versions":        {versions, syscall.ECONNRESET},
			"that speaks TLS":                    {tls, io.EOF},
			"with an API that is not served":     {unknown, io.EOF},
			"that never sent a request":          {silent, syscall.ECONNRESET},
			"whose request was not answered":     {waiting, syscall.ECONNRESET},
			"that was open when the server ends": {fresh, syscall.ECONNRESET},
			"for which there was no room":        {tooMany, syscall.ECONNRESET},
		} {
			if _, err := end.of.Read(make([]byte, 1)); !errors.Is(err, end.want) {
				s.t.Errorf("a connection %s ends with %v, want %v", name, err, end.want)
			}
		}
	})
}

// TestResetOnTCP is the same on real sockets.
func TestResetOnTCP(t *testing.T) {
	s := newTCPStand(t, roomy())
	s.handler.on(reply)
	answered, fresh := s.dial(), s.dial()
	answered.send(protocol.KeyHeartbeat)
	answered.expect(1)
	for begun := time.Now(); s.server.Counters.ConnectionsOpen.Load() < 2; time.Sleep(time.Millisecond) {
		if time.Since(begun) > 2*time.Minute {
			t.Fatal("the second connection is not accepted")
		}
	}
	if err := s.server.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := answered.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a connection that had an answer ends with %v", err)
	}
	if _, err := fresh.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a connection on which nothing was said ends with %v", err)
	}
}
