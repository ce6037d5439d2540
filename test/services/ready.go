package services

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// waitReady returns when the broker lists itself in a Metadata answer.
func (p *process) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	for {
		err := Probe(ctx, p.addr)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			p.forget()
			return fmt.Errorf("%s exited before it was ready: %w\n%s", p.name, p.err, p.logTail())
		case <-ctx.Done():
			_ = p.Kill()
			return fmt.Errorf("%s was not ready within %v: %w\n%s", p.name, p.timeout, err, p.logTail())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// logTail is the end of the broker's log, for an error message.
func (p *process) logTail() []byte {
	log, err := os.ReadFile(p.logFile())
	if err != nil {
		return nil
	}
	return log[max(0, len(log)-4000):]
}

// Probe returns nil when a broker's Metadata answer holds at least one broker.
func Probe(ctx context.Context, addr string) error {
	n, err := known(ctx, addr)
	if err == nil && n == 0 {
		err = errors.New("the broker does not list itself yet")
	}
	return err
}

// known asks for Metadata v0 of no topic in particular and returns the number
// of brokers in the answer. It needs no client library:
//
//	request:  size:4 key:2=3 version:2=0 correlation:4 client:2=-1 topics:4=1 name:2+n
//	response: size:4 correlation:4 brokers:4 ...
//
// A topic that cannot exist is asked for, because v0 takes none as all.
func known(ctx context.Context, addr string) (brokers int, err error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if _, err := conn.Write(metadataRequest("not/a/topic")); err != nil {
		return 0, err
	}
	head := make([]byte, 12)
	if _, err := io.ReadFull(conn, head); err != nil {
		return 0, err
	}
	return int(binary.BigEndian.Uint32(head[8:])), nil
}

func metadataRequest(topic string) []byte {
	var b bytes.Buffer
	for _, field := range []any{int16(3), int16(0), int32(1), int16(-1), int32(1), int16(len(topic))} {
		_ = binary.Write(&b, binary.BigEndian, field) // a Buffer takes every write
	}
	b.WriteString(topic)
	return append(binary.BigEndian.AppendUint32(nil, uint32(b.Len())), b.Bytes()...)
}
