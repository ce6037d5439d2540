package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

// read is the reading side: it reads requests and runs the ordered stage until the connection ends, which it tells the handler.
func (c *conn) read() {
	c.setReadDeadline(time.Now().Add(c.server.limits().HandshakeTimeout))
	for c.waitForRoom() {
		r, err := c.readRequest()
		if err != nil {
			c.readFailed(err)
			break
		}
		if !c.push(r) {
			r.release()
			break
		}
		c.runStage()
		if !c.frames.buffered() {
			c.flush(false)
		}
	}
	c.frames.drop()
	c.flush(false) // what was put off for frames that are read ahead and will not be looked at
	<-c.done
	if h, ok := c.server.handler.(EndHandler); ok {
		h.Ended(c.client)
	}
}

// peerFault is something that the peer did wrong, which ends the connection after the answers that are due.
type peerFault struct {
	message string // one of few
	err     error
}

func (f *peerFault) Error() string { return f.message + ": " + f.err.Error() }

// errStopped says that the connection was told to read no more.
var errStopped = errors.New("no more is read")

// readFailed ends the connection for what a read returned.
func (c *conn) readFailed(err error) {
	var fault *peerFault
	switch {
	case errors.Is(err, errStopped):
	case errors.As(err, &fault):
		c.blame()
		c.refuse(fault.message, "reason", fault.err.Error())
	case errors.Is(err, os.ErrDeadlineExceeded):
		if c.readsOn() {
			c.refuse("the peer sends too slowly", "first request read", c.readFirst)
			c.end("the peer sends too slowly")
		}
	default:
		c.blame()
		c.end("reading: " + err.Error())
	}
}

// blame notes that the connection ends by what the peer did.
func (c *conn) blame() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.theirs = true
}

func (c *conn) readsOn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.noMore
}

// readRequest reads the next frame and decodes it.
func (c *conn) readRequest() (*request, error) {
	frame, err := c.readFrame()
	if err != nil {
		return nil, err
	}
	c.server.Counters.Requests.Add(1)
	c.server.Counters.RequestBytes.Add(int64(len(frame)) + 4)
	r, err := c.decode(frame)
	if err != nil {
		c.server.giveBack(frame)
		return nil, err
	}
	return r, nil
}

// readFrame reads the next frame into borrowed memory that is counted in the server's budget.
func (c *conn) readFrame() ([]byte, error) {
	limits := c.server.limits()
	timed := !c.readFirst // the handshake's deadline stands
	prefix, err := c.frames.prefix(func() {
		if !timed {
			timed = true
			c.setReadDeadline(time.Now().Add(limits.stallLimit(4)))
		}
	})
	if err != nil {
		return nil, err
	}
	c.touch()
	c.frameBegins()
	if err := lengthError(prefix, !c.readFirst, limits); err != nil {
		return nil, &peerFault{"not a frame", err}
	}
	length := int(binary.BigEndian.Uint32(prefix[:]))
	if !c.waitForBytes(int64(length)) {
		return nil, errStopped
	}
	slow := c.frames.missing(length) > 0 && c.readFirst
	timed = timed || slow
	frame, err := c.readBody(length, slow)
	if err != nil {
		return nil, err
	}
	c.readFirst = true
	if timed {
		c.setReadDeadline(noDeadline)
	}
	return frame, nil
}

// Bounds on what decoding may allocate: six times the frame and a spare, so that a request costs at most eight times its
// bytes and 1 MiB together with the frame's own buffer, which may be twice its size; and never more than decodeBytesMax,
// however long the frame. What makes a request long is records, which are not copied.
const (
	decodeBytesSpare = 768 << 10
	decodeBytesMax   = 32 << 20
)

// decodeTogetherBytesMax is the longest frame that is decoded beside others.
const decodeTogetherBytesMax = 2 << 20

func decodeBytes(frame int) int {
	return min(6*frame+decodeBytesSpare, max(decodeBytesMax, frame))
}

// decode makes a request of a frame.
//
//	key int16 | version int16 | correlation id int32 | client id nullable string | tags from header version 2 | body
func (c *conn) decode(frame []byte) (*request, error) {
	key := protocol.Key(binary.BigEndian.Uint16(frame))
	version := int16(binary.BigEndian.Uint16(frame[2:]))
	if !c.waitForHandler(key) {
		return nil, errStopped
	}
	stage, ok := c.server.handler.Row(c.client, key, version)
	if !ok && key != protocol.KeyApiVersions {
		return nil, &peerFault{"unknown API or version", fmt.Errorf("%v (%d) version %d is not served", key, int16(key), version)}
	}
	c.decoder.Reset(frame, protocol.Limits{AllocBytesMax: decodeBytes(len(frame))})
	defer func() { c.decoder = protocol.Reader{} }() // an idle connection does not hold its last frame
	var header protocol.RequestHeader
	if err := header.Decode(&c.decoder, protocol.HeaderVersion(key, version)); err != nil {
		return nil, &peerFault{"a request header cannot be read", err}
	}
	r := &request{conn: c, key: key, version: version, id: header.CorrelationID, stage: stage, frame: frame, frameBytes: int64(len(frame)),
		arrived: c.lastActive.Load()}
	if !ok {
		r.version, r.stage, r.answer = 0, api.Barrier, c.server.handler.UnsupportedVersion()
		return r, nil
	}
	message := protocol.NewRequest(key)
	if message == nil {
		return nil, &peerFault{"unknown API or version", fmt.Errorf("API %d has no messages", int16(key))}
	}
	if err := c.decodeMessage(r, message); err != nil {
		return nil, &peerFault{"a request cannot be read", err}
	}
	c.identify(header.ClientID, message)
	r.call = api.NewCall(r, key, version, c.client, c.lastUsed(), message)
	return r, nil
}

// decodeMessage decodes what is behind the header, and charges what it takes. Large requests take turns: what one allocates is
// charged when it is known, and all those that fit into the budget would allocate at the same time.
func (c *conn) decodeMessage(r *request, message protocol.Message) error {
	if len(r.frame) > decodeTogetherBytesMax {
		c.server.largeDecode.Lock()
		defer c.server.largeDecode.Unlock()
	}
	if err := message.Decode(&c.decoder, r.version); err != nil {
		return err
	}
	if decoded := decodeBytes(len(r.frame)) - c.decoder.AllocBytesLeft(); decoded > decodeBytesSpare {
		r.decoded = int64(decoded)
		c.server.budget.charge(r.decoded)
	}
	return nil
}

// waitForHandler waits until the handler looks at requests of an API; false says that the connection has ended.
func (c *conn) waitForHandler(key protocol.Key) bool {
	slow, ok := c.server.handler.(SlowHandler)
	if !ok {
		return true
	}
	ready := slow.Ready(c.client, key)
	if ready == nil {
		return true
	}
	select {
	case <-ready:
		return true
	case <-c.done:
	case <-c.server.closing:
	}
	return false
}

// identify keeps what a request says of the client. Earlier calls hold the Client that was: it is never changed.
func (c *conn) identify(id *string, message protocol.Message) {
	var text string
	if id != nil {
		text = *id
	}
	versions, names := message.(*protocol.ApiVersionsRequest)
	if text == c.client.ID && !names {
		return
	}
	next := *c.client
	next.ID = text
	if names && versions.ClientSoftwareName != "" {
		next.SoftwareName, next.SoftwareVersion = versions.ClientSoftwareName, versions.ClientSoftwareVersion
	}
	c.client = &next
}
