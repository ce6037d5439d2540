package tour

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// softwareName is what the tour calls itself where it asks what only skein answers.
const softwareName = "skein-tour"

// askLimit is how long an answer is waited for.
const askLimit = 5 * time.Second

// answerBytesMax bounds one answer.
const answerBytesMax = 16 << 20

// askNode asks one node, in a connection of its own, what franz-go does not know: a request in its version 0.
func (a *Act) askNode(address string, request, response protocol.Message) error {
	l, err := a.open(address, softwareName)
	if err != nil {
		return err
	}
	defer l.close()
	return l.ask(askLimit, request, 0, response)
}

// line is a connection of the scene's own to one node. It belongs to one goroutine.
type line struct {
	act  *Act
	conn net.Conn
	id   int32 // of the last request
}

// open connects to a node under a name of a software: nodes answer some requests to nodes only.
func (a *Act) open(address, software string) (*line, error) {
	ctx, cancel := context.WithTimeout(a.ctx, askLimit)
	defer cancel()
	conn, err := a.broker.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	l := &line{act: a, conn: conn}
	name := protocol.NewApiVersionsRequest()
	name.ClientSoftwareName, name.ClientSoftwareVersion = software, "1"
	if err := l.ask(askLimit, name, 3, protocol.NewApiVersionsResponse()); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *line) close() { _ = l.conn.Close() }

func (l *line) ask(limit time.Duration, request protocol.Message, version int16, response protocol.Message) error {
	if err := l.send(request, version); err != nil {
		return err
	}
	return l.receive(limit, request.Key(), version, response)
}

// send sends a request, whose answer receive reads: those of several come in the order of the requests.
func (l *line) send(request protocol.Message, version int16) error {
	l.id++
	return send(l.conn, l.id, request, version)
}

func (l *line) receive(limit time.Duration, key protocol.Key, version int16, response protocol.Message) error {
	ctx, cancel := context.WithTimeout(l.act.ctx, limit)
	defer cancel()
	defer context.AfterFunc(ctx, l.close)()
	return receive(l.conn, key, version, response)
}

// newest is the highest version of a request.
func newest(request interface {
	Versions() (lowest, highest int16)
}) int16 {
	_, highest := request.Versions()
	return highest
}

// send sends a request.
//
//	length int32 | request header | body
func send(conn io.Writer, id int32, request protocol.Message, version int16) error {
	key, client := request.Key(), softwareName
	header := &protocol.RequestHeader{RequestApiKey: int16(key), RequestApiVersion: version, CorrelationID: id, ClientID: &client}
	var out protocol.Writer
	frame := out.BeginFrame()
	header.Encode(&out, protocol.HeaderVersion(key, version))
	request.Encode(&out, version)
	out.EndFrame(frame)
	_, err := conn.Write(out.Bytes())
	return err
}

// receive reads the answer to a request.
//
//	length int32 | response header | body
func receive(conn io.Reader, key protocol.Key, version int16, response protocol.Message) error {
	var length [4]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return fmt.Errorf("the answer to %s: %w", key, err)
	}
	n := binary.BigEndian.Uint32(length[:])
	if n < 4 || n > answerBytesMax {
		return fmt.Errorf("an answer of %d bytes to %s was announced", n, key)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(conn, b); err != nil {
		return err
	}
	r := protocol.NewReader(b, protocol.Limits{})
	var head protocol.ResponseHeader
	if err := head.Decode(r, protocol.ResponseHeaderVersion(key, version)); err != nil {
		return err
	}
	return response.Decode(protocol.NewReader(r.Remaining(), protocol.Limits{}), version)
}
