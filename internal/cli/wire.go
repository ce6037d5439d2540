package cli

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// clientName is the client id and the software name of the commands. Private APIs are offered to names like it.
const clientName = "skein-cli"

// responseBytesMax bounds what one answer may hold.
const responseBytesMax = 64 << 20

// wire is a connection of our own, one request at a time: for skein's own APIs, which franz-go does not know, and for
// looking at each answer in itself. It belongs to one goroutine.
type wire struct {
	conn     net.Conn
	over     func() error // why the connection was closed by its context, if it was
	address  string
	deadline time.Time
	last     int32 // correlation id
	offered  map[protocol.Key]versionRange
}

type versionRange struct{ lowest, highest int16 }

// dialWire connects and asks for the versions of all APIs. All that is asked later must be answered within the timeout
// too. The end of ctx closes the connection.
func dialWire(ctx context.Context, address string, timeout time.Duration) (*wire, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		cancel()
		return nil, unreachable(address, err, timeout)
	}
	w := &wire{conn: &closingConn{conn, cancel}, over: ctx.Err, address: address, deadline: time.Now().Add(timeout)}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	if err := w.negotiate(); err != nil {
		_ = w.close()
		return nil, unreachable(address, err, timeout)
	}
	return w, nil
}

// closingConn lets go of its context when it is closed.
type closingConn struct {
	net.Conn
	cancel context.CancelFunc
}

func (c *closingConn) Close() error {
	c.cancel()
	return c.Conn.Close()
}

func (w *wire) close() error { return w.conn.Close() }

// negotiate asks for the versions in version 3, which names this program, and in version 0 where 3 is not known.
func (w *wire) negotiate() error {
	request := protocol.NewApiVersionsRequest()
	request.ClientSoftwareName, request.ClientSoftwareVersion = clientName, softwareVersion()
	response := protocol.NewApiVersionsResponse()
	body, err := w.exchange(request, 3)
	if err != nil {
		return err
	}
	decoded := int16(3)
	if len(body) >= 2 && protocol.Code(binary.BigEndian.Uint16(body)) == protocol.UnsupportedVersion {
		if body, err = w.exchange(protocol.NewApiVersionsRequest(), 0); err != nil {
			return err
		}
		decoded = 0
	}
	if err := response.Decode(protocol.NewReader(body, protocol.Limits{}), decoded); err != nil {
		return fmt.Errorf("the answer to ApiVersions cannot be read: %w", err)
	}
	if response.ErrorCode != protocol.None {
		return fmt.Errorf("ApiVersions was answered with %s", response.ErrorCode)
	}
	w.offered = make(map[protocol.Key]versionRange, len(response.ApiKeys))
	for _, api := range response.ApiKeys {
		w.offered[protocol.Key(api.ApiKey)] = versionRange{api.MinVersion, api.MaxVersion}
	}
	return nil
}

// ask sends a request in the highest version that both know and decodes the answer into response.
func (w *wire) ask(request, response protocol.Message) error {
	key := request.Key()
	if err := w.knows(key); err != nil {
		return err
	}
	lowest, highest := protocol.Versions(key)
	offered := w.offered[key]
	version := min(highest, offered.highest)
	if version < max(lowest, offered.lowest) {
		return fmt.Errorf("the broker at %s knows %s from %d to %d, this program from %d to %d; they are too far apart", w.address, key,
			offered.lowest, offered.highest, lowest, highest)
	}
	body, err := w.exchange(request, version)
	if err != nil {
		return fmt.Errorf("%s to %s: %w", key, w.address, err)
	}
	if err := response.Decode(protocol.NewReader(body, protocol.Limits{}), version); err != nil {
		return fmt.Errorf("the answer of %s to %s cannot be read: %w", w.address, key, err)
	}
	return nil
}

// knows says what is wrong if the broker does not offer a request.
func (w *wire) knows(key protocol.Key) error {
	if _, ok := w.offered[key]; !ok {
		return fmt.Errorf("the broker at %s does not know the request %s; is it skein, and as new as this program (%s)?", w.address, key, Version())
	}
	return nil
}

// exchange sends one request and returns the body of its answer.
//
//	length int32 | request header | body          length int32 | response header | body
func (w *wire) exchange(request protocol.Message, version int16) ([]byte, error) {
	body, err := w.exchangeFrames(request, version)
	if over := w.over(); err != nil && over != nil {
		return nil, over // the connection was closed under it, and says only that
	}
	return body, err
}

func (w *wire) exchangeFrames(request protocol.Message, version int16) ([]byte, error) {
	if err := w.conn.SetDeadline(w.deadline); err != nil {
		return nil, err
	}
	w.last++
	key, id := request.Key(), clientName
	header := &protocol.RequestHeader{RequestApiKey: int16(key), RequestApiVersion: version, CorrelationID: w.last, ClientID: &id}
	var out protocol.Writer
	frame := out.BeginFrame()
	header.Encode(&out, protocol.HeaderVersion(key, version))
	request.Encode(&out, version)
	out.EndFrame(frame)
	if _, err := w.conn.Write(out.Bytes()); err != nil {
		return nil, err
	}
	b, err := w.readFrame()
	if err != nil {
		return nil, err
	}
	r := protocol.NewReader(b, protocol.Limits{})
	var answer protocol.ResponseHeader
	if err := answer.Decode(r, protocol.ResponseHeaderVersion(key, version)); err != nil {
		return nil, err
	}
	if answer.CorrelationID != w.last {
		return nil, fmt.Errorf("the answer is to request %d, not %d; this is no Kafka broker", answer.CorrelationID, w.last)
	}
	return r.Remaining(), nil
}

func (w *wire) readFrame() ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(w.conn, length[:]); err != nil {
		return nil, err
	}
	n := int32(binary.BigEndian.Uint32(length[:]))
	if n < 4 || n > responseBytesMax {
		return nil, fmt.Errorf("an answer of %d bytes was announced (first bytes %q); this is no Kafka broker", uint32(n), length[:])
	}
	b := make([]byte, n)
	_, err := io.ReadFull(w.conn, b)
	return b, err
}

// softwareVersion is Version without what KIP-511 does not allow.
func softwareVersion() string {
	version := strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, Version())
	if version = strings.Trim(version, ".-"); version == "" {
		return "dev"
	}
	return version
}
