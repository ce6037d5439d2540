package config

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Voter is one node of controller.quorum.voters.
type Voter struct {
	ID      int32
	Address string // host:port
}

// ParseVoters reads the elements of controller.quorum.voters, id@host:port each.
func ParseVoters(elements []string) ([]Voter, error) {
	var voters []Voter
	for _, element := range elements {
		idText, address, ok := strings.Cut(element, "@")
		id, err := strconv.ParseUint(idText, 10, 31)
		if !ok || err != nil {
			return nil, fmt.Errorf("%q: a voter is id@host:port", element)
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			return nil, fmt.Errorf("%q: a voter is id@host:port", element)
		}
		voters = append(voters, Voter{ID: int32(id), Address: address})
	}
	return voters, nil
}

var votersBounds = rule("id@host:port, ...", func(v Value) error {
	_, err := ParseVoters(v.List)
	return err
})
