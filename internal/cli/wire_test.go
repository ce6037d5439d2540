package cli

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// fakeBroker answers each request with what reply makes of its header's key, version and correlation id, on one
// connection after the other. A nil answer closes the connection.
func fakeBroker(t *testing.T, reply func(key protocol.Key, version int16, id int32) []byte) string {
	t.Helper()
	return fakeFrames(t, func(frame []byte) []byte {
		return reply(protocol.Key(binary.BigEndian.Uint16(frame)), int16(binary.BigEndian.Uint16(frame[2:])), int32(binary.BigEndian.Uint32(frame[4:])))
	})
}

// fakeFrames is fakeBroker for the whole of each request and answer.
func fakeFrames(t *testing.T, reply func(frame []byte) []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serveFake(conn, reply)
		}
	}()
	return l.Addr().String()
}

func serveFake(conn net.Conn, reply func(frame []byte) []byte) {
	defer conn.Close()
	for {
		var length [4]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		frame := make([]byte, binary.BigEndian.Uint32(length[:]))
		if _, err := io.ReadFull(conn, frame); err != nil {
			return
		}
		answer := reply(frame)
		if answer == nil {
			return
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

// framed is an answer with header version 0.
func framed(id int32, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(4+len(body)))
	b = binary.BigEndian.AppendUint32(b, uint32(id))
	return append(b, body...)
}

func offers(version int16, keys ...protocol.ApiVersionsResponseApiVersion) []byte {
	response := protocol.NewApiVersionsResponse()
	response.ApiKeys = keys
	return protocol.AppendMessage(nil, response, version)
}

func TestWireSpeaksToOldBrokers(t *testing.T) {
	address := fakeBroker(t, func(key protocol.Key, version int16, id int32) []byte {
		if version > 0 {
			refusal := protocol.NewApiVersionsResponse()
			refusal.ErrorCode = protocol.UnsupportedVersion
			return framed(id, protocol.AppendMessage(nil, refusal, 0))
		}
		return framed(id, offers(0, protocol.ApiVersionsResponseApiVersion{ApiKey: 3, MinVersion: 0, MaxVersion: 5}))
	})
	w, err := dialWire(context.Background(), address, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	if got := w.offered[protocol.KeyMetadata]; got != (versionRange{0, 5}) {
		t.Errorf("Metadata is offered as %v", got)
	}
	err = w.ask(protocol.NewDescribeClientErrorsRequest(), protocol.NewDescribeClientErrorsResponse())
	if err == nil || !strings.Contains(err.Error(), "does not know the request DescribeClientErrors; is it skein") {
		t.Errorf("a request that is not offered: %v", err)
	}
}

func TestWireRefusesWhatIsNoBroker(t *testing.T) {
	for name, c := range map[string]struct {
		reply func(protocol.Key, int16, int32) []byte
		want  string
	}{
		"a web server":           {func(protocol.Key, int16, int32) []byte { return []byte("HTTP/1.1 400 Bad Request\r\n\r\n") }, "this is no Kafka broker"},
		"a negative length":      {func(protocol.Key, int16, int32) []byte { return []byte{255, 255, 255, 255} }, "this is no Kafka broker"},
		"another correlation id": {func(_ protocol.Key, _ int16, id int32) []byte { return framed(id+1, offers(3)) }, "not 1; this is no Kafka broker"},
		"a short body":           {func(_ protocol.Key, _ int16, id int32) []byte { return framed(id, []byte{0}) }, "cannot be read"},
		"an empty answer":        {func(_ protocol.Key, _ int16, id int32) []byte { return framed(id, nil) }, "cannot be read"},
		"an early end":           {func(protocol.Key, int16, int32) []byte { return nil }, "closed at once; is it a Kafka listener, and does it want TLS?"},
		"an error": {func(_ protocol.Key, _ int16, id int32) []byte {
			refusal := protocol.NewApiVersionsResponse()
			refusal.ErrorCode = protocol.InvalidRequest
			return framed(id, protocol.AppendMessage(nil, refusal, 3))
		}, "ApiVersions was answered with INVALID_REQUEST"},
	} {
		w, err := dialWire(context.Background(), fakeBroker(t, c.reply), 10*time.Second)
		if err == nil {
			_ = w.close()
			t.Errorf("%s was taken for a broker", name)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestWireEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	address := fakeBroker(t, func(protocol.Key, int16, int32) []byte {
		cancel()
		return []byte{} // and goes on waiting
	})
	_, err := dialWire(ctx, address, time.Minute)
	if err == nil || !strings.HasSuffix(err.Error(), ": interrupted") {
		t.Errorf("%v", err)
	}
}

// A connection that its context closes under a request says why, and not that it is closed.
func TestWireSaysWhyItEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	address := fakeBroker(t, func(key protocol.Key, version int16, id int32) []byte {
		if key == protocol.KeyApiVersions {
			return framed(id, offers(version, protocol.ApiVersionsResponseApiVersion{ApiKey: 3, MaxVersion: 5}))
		}
		cancel()
		return []byte{} // and goes on waiting
	})
	w, err := dialWire(ctx, address, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	if err := w.ask(protocol.NewMetadataRequest(), protocol.NewMetadataResponse()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestSoftwareVersionIsWhatKafkaAllows(t *testing.T) {
	was := version
	defer func() { version = was }()
	for given, want := range map[string]string{"v1.2.3": "v1.2.3", "v1.2.3+dirty": "v1.2.3-dirty", "-x-": "x", "+": "dev"} {
		if version = given; softwareVersion() != want {
			t.Errorf("%q became %q, want %q", given, softwareVersion(), want)
		}
	}
}
