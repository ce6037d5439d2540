package server

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// frameBytesMin is the shortest request: key, version, correlation id and the length of a client id.
const frameBytesMin = 10

// lengthError says what is wrong with the first four bytes of a frame, nil if nothing is.
//
//	length int32 | key int16 | version int16 | correlation id int32 | client id ...
func lengthError(prefix [4]byte, first bool, limits *Config) error {
	length := int64(int32(binary.BigEndian.Uint32(prefix[:])))
	if first {
		if speaks := otherProtocol(prefix); speaks != "" {
			return fmt.Errorf("the peer speaks %s, and this port speaks Kafka's protocol in plain text", speaks)
		}
	}
	switch {
	case length < 0:
		return fmt.Errorf("a frame has the length %d", length)
	case length < frameBytesMin:
		return fmt.Errorf("a frame has the length %d, and a request has at least %d bytes", length, frameBytesMin)
	case length > limits.FrameBytesMax:
		return fmt.Errorf("a frame has the length %d; socket.request.max.bytes is %d", length, limits.FrameBytesMax)
	case first && length > limits.FirstFrameBytesMax:
		return fmt.Errorf("the first frame has the length %d; socket.request.first.max.bytes is %d", length, limits.FirstFrameBytesMax)
	}
	return nil
}

var httpVerbs = []string{"GET ", "POST", "HEAD", "PUT ", "DELE", "OPTI", "PATC", "CONN", "TRAC", "PRI "}

// otherProtocol recognises who knocks on the wrong door by the first four bytes.
func otherProtocol(prefix [4]byte) string {
	switch {
	case prefix[0] == 0x16 && prefix[1] == 3:
		return "TLS"
	case slices.Contains(httpVerbs, string(prefix[:])):
		return "HTTP"
	case string(prefix[:]) == "SSH-":
		return "SSH"
	case string(prefix[:]) == "PROX":
		return "the PROXY protocol"
	}
	return ""
}
