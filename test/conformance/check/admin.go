package check

import (
	"fmt"
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// adminRows are section 2.6: admin calls.
func adminRows() []Row {
	return []Row{
		waits("A1", "ListGroups by state and type, in any case and trimmed; unknown ones give none (rights are hidden)", listFilters),
		waits("A2", "DescribeGroups: protocol and metadata only when Stable; unknown: Dead, from version 6 on GROUP_ID_NOT_FOUND", describes),
		waits("A3", "IncludeAuthorizedOperations: a bit field, else the least int", authorizedOperations),
		waits("A4", "a member's host is written as Java does: /1.2.3.4", clientHost),
		waits("A5", "DeleteGroups: unknown GROUP_ID_NOT_FOUND, with members NON_EMPTY_GROUP, else all gone; named twice, answered once", deletes),
		seen("A6", "a simple group has no protocol type and no members", simpleGroup),
	}
}

func listFilters(p *probe) {
	p.needs(16, 4)
	g := p.group()
	m := g.member()
	g.settle(m)
	listed := func(what string, want bool, states, types []string) {
		version := p.upTo(16, 5)
		one, found := g.listed(version, states, types)
		p.equal("listed "+what, found, want)
		if found {
			p.equal("protocol type", one.ProtocolType, "consumer")
			p.equal("state", one.GroupState, stateStable)
			if version >= 5 {
				p.equal("type", strings.ToLower(one.GroupType), "classic")
			}
		}
	}
	listed("without filter", true, nil, nil)
	listed("by \" sTaBlE \"", true, []string{" sTaBlE "}, nil)
	listed("by Empty or Dead", false, []string{stateEmpty, stateDead}, nil)
	listed("by a state that there is not", false, []string{"nowhere"}, nil)
	listed("by one that there is not and Stable", true, []string{"nowhere", stateStable}, nil)
	p.each(16, 0, 3, func(v int16) {
		_, found := g.listed(v, nil, nil)
		p.holds(found, "the group is not in ListGroups v%d", v)
	})
	if p.has(16, 5) {
		listed("by type cLaSsIc", true, nil, []string{"cLaSsIc"})
		listed("by type consumer", false, nil, []string{"consumer"})
		listed("by a type that there is not", false, nil, []string{"nothing"})
		listed("by state and type", true, []string{stateStable}, []string{"classic"})
	}
}

func describes(p *probe) {
	g := p.group()
	p.each(15, 0, 6, func(v int16) {
		d := g.describeAt(v)
		what := fmt.Sprintf("unknown group in DescribeGroups v%d", v)
		p.equal(what, d.State, stateDead)
		if v < 6 {
			p.code(what, d.ErrorCode)
		} else {
			p.code(what, d.ErrorCode, kerr.GroupIDNotFound)
		}
	})
	m := g.member()
	m.join()
	d := g.describe()
	p.equal("state", d.State, stateCompleting)
	p.equal("protocol type", d.ProtocolType, "consumer")
	p.equal("protocol when CompletingRebalance", d.Protocol, "")
	p.equal("members when CompletingRebalance", len(d.Members), 1)
	p.equal("metadata when CompletingRebalance", string(d.Members[0].ProtocolMetadata), "")
	m.syncs(m.assign(m))
	p.each(15, 0, 6, func(v int16) {
		d := g.describeAt(v)
		what := fmt.Sprintf("DescribeGroups v%d", v)
		p.code(what, d.ErrorCode)
		p.equal(what+": state", d.State, stateStable)
		p.equal(what+": protocol type", d.ProtocolType, "consumer")
		p.equal(what+": protocol", d.Protocol, "x")
		p.equal(what+": members", len(d.Members), 1)
		one := d.Members[0]
		p.equal(what+": member", one.MemberID, m.id)
		p.equal(what+": client", one.ClientID, clientID)
		p.equal(what+": metadata", one.ProtocolMetadata, m.protocols[0].Metadata)
		p.equal(what+": assignment", string(one.MemberAssignment), assignmentOf(0))
	})
}

func authorizedOperations(p *probe) {
	p.needs(15, 3)
	g := p.group()
	g.commit(0, 1)
	p.each(15, 3, 6, func(v int16) {
		d := g.describeAt(v)
		p.equal(fmt.Sprintf("operations in DescribeGroups v%d that does not ask", v), d.AuthorizedOperations, int32(-1<<31))
		req := kmsg.NewPtrDescribeGroupsRequest()
		req.Groups, req.IncludeAuthorizedOperations = []string{g.name}, true
		r := ask[*kmsg.DescribeGroupsResponse](p, g.addr, v, req)
		// Read is bit 3, Delete 6, Describe 8.
		const least = 1<<3 | 1<<6 | 1<<8
		got := r.Groups[0].AuthorizedOperations
		p.holds(got > 0 && got&least == least, "operations in DescribeGroups v%d that asks: %b, without read, delete or describe", v, got)
	})
}

func clientHost(p *probe) {
	g := p.group()
	m := g.member()
	m.join()
	host := g.describe().Members[0].ClientHost
	address, ok := strings.CutPrefix(host, "/")
	p.holds(ok && net.ParseIP(address) != nil, "client host: expected / and an address, got %q", host)
}

func deletes(p *probe) {
	unknown, busy, simple := p.group(), p.group(), p.group()
	p.code("an unknown group", unknown.remove(), kerr.GroupIDNotFound)
	m := busy.member()
	busy.settle(m)
	busyCode := busy.remove()
	p.code("a group with members", busyCode, kerr.NonEmptyGroup)
	simple.commit(0, 3)
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = []string{simple.name, simple.name}
	r := ask[*kmsg.DeleteGroupsResponse](p, simple.addr, p.upTo(42, 1), req)
	p.equal("answers for a group that is named twice", len(r.Groups), 1)
	p.code("a simple group", r.Groups[0].ErrorCode)
	p.equal("offset afterwards", simple.fetch(0), none)
	simple.is(stateDead)
	_, listed := simple.listed(p.upTo(16, 4), nil, nil)
	p.holds(!listed, "the group is in ListGroups after its deletion")
	p.code("leave", m.leave())
	busy.becomes(stateEmpty)
	p.code("the group when its members are gone", busy.remove())
	busy.is(stateDead)
}

func simpleGroup(p *probe) {
	g := p.group()
	g.commit(0, 1)
	d := g.describe()
	p.code("DescribeGroups", d.ErrorCode)
	p.equal("state", d.State, stateEmpty)
	p.equal("protocol type", d.ProtocolType, "")
	p.equal("members", len(d.Members), 0)
	one, listed := g.listed(p.upTo(16, 5), nil, nil)
	p.holds(listed, "the group is not in ListGroups")
	p.equal("protocol type in ListGroups", one.ProtocolType, "")
}
