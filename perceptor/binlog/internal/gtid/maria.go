// Package gtid holds what was committed, as global transaction ids of MariaDB and of MySQL tell it. It is pure. The two have
// nothing in common but the name: MariaDB's is the last one of each domain, MySQL's a set of numbers for each server.
package gtid

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Maria is a position of MariaDB: the last id of each domain. The zero Maria is before everything.
type Maria struct{ domains map[uint32]MariaID }

// MariaID is an id of MariaDB: domain-server-sequence.
type MariaID struct {
	Domain, Server uint32
	Sequence       uint64
}

func (id MariaID) String() string {
	var text [48]byte
	b := append(strconv.AppendUint(text[:0], uint64(id.Domain), 10), '-')
	b = append(strconv.AppendUint(b, uint64(id.Server), 10), '-')
	return string(strconv.AppendUint(b, id.Sequence, 10))
}

// entriesMax bounds what is read from text: more domains or servers than anybody has.
const entriesMax = 1 << 16

// ParseMaria reads ids with commas between them.
func ParseMaria(text string) (Maria, error) {
	var m Maria
	if strings.TrimSpace(text) == "" {
		return m, nil
	}
	parts := strings.Split(text, ",")
	if len(parts) > entriesMax {
		return m, fmt.Errorf("a GTID position of %d domains", len(parts))
	}
	for _, part := range parts {
		id, err := parseMariaID(strings.TrimSpace(part))
		if err != nil {
			return Maria{}, err
		}
		if _, twice := m.domains[id.Domain]; twice {
			return Maria{}, fmt.Errorf("the GTID position %q has domain %d twice", text, id.Domain)
		}
		m.Add(id)
	}
	return m, nil
}

func parseMariaID(text string) (MariaID, error) {
	broken := fmt.Errorf("%q is no GTID of MariaDB: domain-server-sequence is", text)
	parts := strings.Split(text, "-")
	if len(parts) != 3 {
		return MariaID{}, broken
	}
	domain, err1 := strconv.ParseUint(parts[0], 10, 32)
	server, err2 := strconv.ParseUint(parts[1], 10, 32)
	sequence, err3 := strconv.ParseUint(parts[2], 10, 64)
	if cmp.Or(err1, err2, err3) != nil {
		return MariaID{}, broken
	}
	return MariaID{Domain: uint32(domain), Server: uint32(server), Sequence: sequence}, nil
}

// Add says that a transaction was committed.
func (m *Maria) Add(id MariaID) {
	if m.domains == nil {
		m.domains = make(map[uint32]MariaID)
	}
	m.domains[id.Domain] = id
}

// Domains is how many domains have a transaction.
func (m *Maria) Domains() int { return len(m.domains) }

// Missing returns an id of m that a server has not got, empty if it has all. state is its @@gtid_binlog_state: the last id of
// each domain and server.
func (m *Maria) Missing(state string) (string, error) {
	reached := make(map[uint32]uint64)
	for part := range strings.SplitSeq(state, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		id, err := parseMariaID(part)
		if err != nil {
			return "", err
		}
		reached[id.Domain] = max(reached[id.Domain], id.Sequence)
	}
	for _, domain := range slices.Sorted(maps.Keys(m.domains)) {
		if id := m.domains[domain]; id.Sequence > reached[domain] {
			return id.String(), nil
		}
	}
	return "", nil
}

// String is what @slave_connect_state takes.
func (m *Maria) String() string {
	var b strings.Builder
	for i, domain := range slices.Sorted(maps.Keys(m.domains)) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(m.domains[domain].String())
	}
	return b.String()
}
