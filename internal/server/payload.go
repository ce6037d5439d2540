package server

import (
	"fmt"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
)

// FileRange is a stretch of a file that is sent as it is.
type FileRange struct {
	File     disk.File
	Position int64
	Length   int64
}

// ranged is a Payload that lies in files.
type ranged interface{ Ranges() []FileRange }

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
