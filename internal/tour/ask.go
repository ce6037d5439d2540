package tour

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
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
	ctx, cancel := context.WithTimeout(a.ctx, askLimit)
	defer cancel()
	conn, err := a.broker.Dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	name := protocol.NewApiVersionsRequest()
	name.ClientSoftwareName, name.ClientSoftwareVersion = softwareName, "1"
	if err := exchange(conn, 1, name, 3, protocol.NewApiVersionsResponse()); err != nil {
		return err
	}
	return exchange(conn, 2, request, 0, response)
}

// exchange sends a request and reads its answer.
//
//	length int32 | request header | body          length int32 | response header | body
func exchange(conn io.ReadWriter, id int32, request protocol.Message, version int16, response protocol.Message) error {
	key, client := request.Key(), softwareName
	header := &protocol.RequestHeader{RequestApiKey: int16(key), RequestApiVersion: version, CorrelationID: id, ClientID: &client}
	var out protocol.Writer
	frame := out.BeginFrame()
	header.Encode(&out, protocol.HeaderVersion(key, version))
	request.Encode(&out, version)
	out.EndFrame(frame)
	if _, err := conn.Write(out.Bytes()); err != nil {
		return err
	}
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
