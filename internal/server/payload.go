package server

import (
	"fmt"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/protocol"
)

// ranged is a Payload that lies in files, such as commitlog.Slice.
type ranged interface{ Ranges() []commitlog.Range }

// appendPayload adds the pieces of a Payload that the encoder left where it is.
func appendPayload(dst []piece, payload protocol.Payload) []piece {
	p, ok := payload.(ranged)
	if !ok {
		panic(fmt.Sprintf("server: cannot send a payload of the type %T", payload))
	}
	for _, r := range p.Ranges() {
		if r.Length > 0 {
			dst = append(dst, piece{file: r.File, position: r.Position, length: r.Length})
		}
	}
	return dst
}
