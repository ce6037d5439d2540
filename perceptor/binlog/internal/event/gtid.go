package event

import "fmt"

// MariaGTID begins a transaction of MariaDB, or is in front of a statement that stands alone. The server's number is in
// the header.
type MariaGTID struct {
	Sequence uint64
	Domain   uint32
	// Standalone: one statement follows, and nothing ends it.
	Standalone bool
	// Prepared: an XA transaction that is not committed yet.
	Prepared bool
}

// ParseMariaGTID reads a GTID event of MariaDB.
func ParseMariaGTID(h Header, body []byte) (MariaGTID, error) {
	const standalone, prepared = 1, 64
	c := cursor{rest: body}
	g := MariaGTID{Sequence: c.u64(), Domain: c.u32()}
	flags := c.u8()
	g.Standalone, g.Prepared = flags&standalone != 0, flags&prepared != 0
	return g, h.cutIf(&c, "a GTID event")
}

// MariaID is a transaction of MariaDB.
type MariaID struct {
	Domain, Server uint32
	Sequence       uint64
}

// ParseMariaGTIDList reads the last GTID of each domain before the file.
//
//	n 28 bits, flags 4 | n times: domain 4 | server 4 | sequence 8
func ParseMariaGTIDList(h Header, body []byte) ([]MariaID, error) {
	c := cursor{rest: body}
	n := int(c.u32() & (1<<28 - 1))
	if n > len(c.rest)/16 {
		c.cut, n = true, 0
	}
	list := make([]MariaID, n)
	for i := range list {
		list[i] = MariaID{Domain: c.u32(), Server: c.u32(), Sequence: c.u64()}
	}
	return list, h.cutIf(&c, "a list of GTIDs")
}

// GTID begins a transaction of MySQL.
type GTID struct {
	// Source is the UUID of the server that committed first, and Number counts from 1 there. All are 0 if the server has GTIDs
	// switched off.
	Source [16]byte
	Tag    string
	Number uint64
}

// ParseGTID reads a GTID event of MySQL, anonymous or not.
func ParseGTID(h Header, body []byte) (GTID, error) {
	if h.Type == TaggedGTIDType {
		return parseTaggedGTID(h, body)
	}
	c := cursor{rest: body}
	c.take(1)
	var g GTID
	copy(g.Source[:], c.take(16))
	g.Number = c.u64()
	if h.Type == AnonymousGTIDType {
		g = GTID{}
	}
	return g, h.cutIf(&c, "a GTID event")
}

// parseTaggedGTID reads the first fields of an event of MySQL 8.3 and later, which are numbered and of variable length:
//
//	version | size | last field that cannot be ignored | 0 flags | 1 uuid | 2 number | 3 tag | ...
func parseTaggedGTID(h Header, body []byte) (GTID, error) {
	var g GTID
	c := cursor{rest: body}
	version, _, _ := c.variable(), c.variable(), c.variable()
	if version != 1 && !c.cut {
		return g, fmt.Errorf("a tagged GTID event that ends at %d has format %d; only 1 is known", h.End, version)
	}
	for field := range uint64(4) {
		if c.variable() != field {
			c.cut = true
		}
		switch field {
		case 0:
			c.variable()
		case 1:
			for i := range g.Source {
				g.Source[i] = byte(c.variable())
			}
		case 2:
			g.Number = uint64(c.variableSigned())
		case 3:
			g.Tag = string(c.take(int(min(c.variable(), 1<<20))))
		}
	}
	return g, h.cutIf(&c, "a tagged GTID event")
}

// variable reads a number of MySQL's serialization: as many ones from the lowest bit up as bytes follow, then a zero, then
// the number.
func (c *cursor) variable() uint64 {
	first := c.u8()
	n := 0
	for n < 8 && first>>n&1 == 1 {
		n++
	}
	if n == 8 {
		return c.u64()
	}
	return uint64(first)>>(n+1) | c.small(n)<<(7-n)
}

// variableSigned is a number whose lowest bit is the sign.
func (c *cursor) variableSigned() int64 {
	v := c.variable()
	if v&1 == 1 {
		return -int64(v>>1) - 1
	}
	return int64(v >> 1)
}

// Interval is of MySQL's numbers: Start is in it, End is not.
type Interval struct{ Start, End uint64 }

// SourceGTIDs is what was committed of one server and tag.
type SourceGTIDs struct {
	Source    [16]byte
	Tag       string
	Intervals []Interval
}

// ParsePreviousGTIDs reads what was committed before the file began.
//
//	n 8, or format 1 | n 6 | format 1 | n times: uuid 16 | tag, if format is 1 | m 8 | m times: start 8 | end 8
func ParsePreviousGTIDs(h Header, body []byte) ([]SourceGTIDs, error) {
	c := cursor{rest: body}
	n := c.u64()
	tagged := n>>56 == 1
	if tagged {
		n = n >> 8 & (1<<48 - 1)
	}
	if n > uint64(len(c.rest))/24 {
		c.cut = true
	}
	var sets []SourceGTIDs
	for ; n > 0 && !c.cut; n-- {
		var s SourceGTIDs
		copy(s.Source[:], c.take(16))
		if tagged {
			s.Tag = string(c.take(int(min(c.variable(), 1<<20))))
		}
		m := c.u64()
		if m > uint64(len(c.rest))/16 {
			c.cut = true
		}
		for ; m > 0 && !c.cut; m-- {
			s.Intervals = append(s.Intervals, Interval{c.u64(), c.u64()})
		}
		sets = append(sets, s)
	}
	if err := h.cutIf(&c, "an event of previous GTIDs"); err != nil {
		return nil, err
	}
	return sets, nil
}
