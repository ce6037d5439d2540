package client

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// A connection begins with "HBas", the version 0 and the way to authenticate (80: none), and the connection header:
//
//	preamble: "HBas" 0 80
//	header:   size:4 ConnectionHeader{user_info=1{effective_user=1}, service_name=2}
//
// then goes on with calls and answers, which may overtake each other:
//
//	call:   size:4 delimited(RequestHeader{call_id=1, method_name=3, request_param=4, timeout=7}) delimited(request)
//	answer: size:4 delimited(ResponseHeader{call_id=1, exception=2, cell_block_meta=3}) delimited(response)
//
// No codec of cell blocks is offered, so cells come inside the messages.

func appendPreamble(b []byte, user, service string) []byte {
	b = append(b, "HBas\x00\x50"...)
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	b, info := begin(b, 1)
	b = end(appendString(b, 1, user), info)
	b = appendString(b, 2, service)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}

// appendCall appends a whole call. timeout is in milliseconds; the server drops what has waited longer in its queue.
func appendCall(b []byte, id uint32, method string, timeout uint32, message func([]byte) []byte) []byte {
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	b, head := beginDelimited(b)
	b = appendUint(b, 1, uint64(id))
	b = appendString(b, 3, method)
	b = appendBool(b, 4, true)
	b = end(appendUint(b, 7, uint64(timeout)), head)
	b, body := beginDelimited(b)
	b = end(message(b), body)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}

func beginDelimited(b []byte) (_ []byte, at int) { return append(b, 0), len(b) + 1 }

// readAnswer takes an answer apart, without the size. failed is the server's exception.
func readAnswer(frame []byte) (id uint32, message []byte, failed error, err error) {
	head, rest, err := delimited(frame)
	if err != nil {
		return 0, nil, nil, err
	}
	err = eachField(head, func(f field) error {
		switch f.number {
		case 1:
			id = uint32(f.num)
		case 2:
			e, err := readException(f.bytes)
			if err != nil {
				return err
			}
			failed = e
		case 3:
			return fmt.Errorf("%w: cells beside the message, which were not asked for", errMalformed)
		}
		return nil
	})
	if err != nil || failed != nil {
		return id, nil, failed, err
	}
	message, _, err = delimited(rest)
	return id, message, nil, err
}

// readException reads ExceptionResponse{exception_class_name=1, stack_trace=2, do_not_retry=5}.
func readException(b []byte) (*ServerError, error) {
	var class, trace string
	final := false
	err := eachField(b, func(f field) error {
		switch f.number {
		case 1:
			class = string(f.bytes)
		case 2:
			trace = string(f.bytes)
		case 5:
			final = f.bool()
		}
		return nil
	})
	return exception(class, trace, final), err
}

// readNamedException reads NameBytesPair{name=1, value=2}: how an exception of one action stands in an answer of Multi.
func readNamedException(b []byte) (*ServerError, error) {
	var class, trace string
	err := eachField(b, func(f field) error {
		switch f.number {
		case 1:
			class = string(f.bytes)
		case 2:
			trace = string(f.bytes)
		}
		return nil
	})
	return exception(class, trace, false), err
}

// appendRegion appends RegionSpecifier{type=1: 1 is the whole name, value=2}.
func appendRegion(b []byte, number protowire.Number, name []byte) []byte {
	b, at := begin(b, number)
	b = appendUint(b, 1, 1)
	return end(appendBytes(b, 2, name), at)
}
