package group

import "strings"

// List is a ListGroups request (key 16), for one shard.
type List struct {
	Token  Token
	States []string // empty: all
	Types  []string // empty: all
}

// ListReply answers it, sorted by id.
type ListReply struct{ Groups []ListedGroup }

// ListedGroup is one group.
type ListedGroup struct {
	GroupID      string
	ProtocolType string
	State        string
	Type         string
}

// classicType is the type that ListGroups shows for a group of the classic protocol.
const classicType = "classic"

// list is A1.
func (s *Shard) list(e *List) {
	r := new(ListReply)
	if wanted(e.Types, classicType) {
		for _, id := range s.groupIDs() {
			g := s.groups[id]
			if wanted(e.States, g.state.String()) {
				r.Groups = append(r.Groups, ListedGroup{GroupID: id, ProtocolType: g.protocolType, State: g.state.String(), Type: classicType})
			}
		}
	}
	s.reply(e.Token, r)
}

func wanted(filter []string, name string) bool {
	for _, f := range filter {
		if strings.EqualFold(strings.TrimSpace(f), name) {
			return true
		}
	}
	return len(filter) == 0
}
