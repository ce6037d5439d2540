package protocol

import (
	"encoding/base64"
	"fmt"
)

// UUID is a topic's or a directory's id, or a member's, 16 bytes in network order. The zero UUID means none.
type UUID [16]byte

// String writes u as Kafka does: 22 characters of base64 for URLs, without padding.
func (u UUID) String() string { return base64.RawURLEncoding.EncodeToString(u[:]) }

// IsZero says whether u names nothing.
func (u UUID) IsZero() bool { return u == UUID{} }

// ParseUUID reads what String writes.
func ParseUUID(s string) (UUID, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return UUID{}, fmt.Errorf("%q is not an id: %w", s, err)
	}
	if len(b) != len(UUID{}) {
		return UUID{}, fmt.Errorf("%q is not an id: it has %d bytes, not 16", s, len(b))
	}
	return UUID(b), nil
}
