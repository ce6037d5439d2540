package controller

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// Effects is what Step wants done, each kind in its order. The driver carries it out and resets it; the memory is used
// again.
type Effects struct {
	Proposals []Proposal
	Replies   []Reply
	Timers    []Timer
}

// Proposal is a change of the cluster's state, to be agreed upon as one entry of the metadata log, whole or not at all.
// The driver answers with Committed, or with Resign.
type Proposal struct {
	Sequence uint64 // grows by one
	Records  []metadata.Record
}

// Reply answers the request with the token: with the response, or with an error where there is none.
type Reply struct {
	Token    Token
	Response protocol.Message
	Err      error
}

// Reset empties the effects.
func (e *Effects) Reset() {
	clear(e.Proposals)
	clear(e.Replies)
	*e = Effects{Proposals: e.Proposals[:0], Replies: e.Replies[:0], Timers: e.Timers[:0]}
}

func (e *Effects) fail(token Token, err error) {
	e.Replies = append(e.Replies, Reply{Token: token, Err: err})
}
