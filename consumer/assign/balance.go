package assign

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// How partitions are balanced.
//
// Topics that the same members subscribe to are one class, and within it only numbers matter: how many partitions of
// the class each member gets. Giving a member as many as it had, or fewer, moves nothing; each one more is a move. So
// the best assignment is the cheapest flow of partitions from classes to members, where the k-th partition of a member
// costs k, and, as the smaller matter, one that it had already costs one less than a move. Costs are compared by the
// load first and by the moves then.
//
// The flow grows along shortest paths from what is not yet given away: straight to a member, or by way of members that
// pass something of another class on. The cheapest flow is found that way (successive shortest paths; the costs are
// convex), so the loads are as even as the subscriptions allow, and no assignment with such loads moves less.

// class is a set of topics with the same subscribers.
type class struct {
	topics  []string
	members []share // ascending
	left    int     // partitions that nobody gets yet
}

// share is what a member has of a class.
type share struct {
	member int32
	had    int32 // partitions of the class that it had
	has    int32 // and that it gets
}

// seat is a member's place in a class.
type seat struct{ class, place int32 }

// flow is the state of the search. A node is a class, or a member after all classes.
type flow struct {
	classes []class
	seats   [][]seat // by member
	load    []int    // by member

	distance []int // by node: moves on the way to it, in this round
	next     []int // by node: the first way out that was not tried in this round
	closed   []bool
	queued   []bool
	queue    []int
}

const unreached = 1 << 30

// balanced returns the plan with the most even loads and, among those, the fewest moves.
func balanced(s *groupSurvey, held map[TopicPartition]claim) Plan {
	f := &flow{classes: classes(s), seats: make([][]seat, len(s.members)), load: make([]int, len(s.members))}
	of := make(map[string]int, len(s.topics)) // topic to class
	for c := range f.classes {
		cl := &f.classes[c]
		for _, topic := range cl.topics {
			of[topic] = c
		}
		for i, sh := range cl.members {
			f.seats[sh.member] = append(f.seats[sh.member], seat{class: int32(c), place: int32(i)})
		}
	}
	had := make([][]TopicPartition, len(s.members))
	for p, h := range held {
		if h.owner == nobody || !s.takes(h.owner, p.Topic) {
			continue
		}
		had[h.owner] = append(had[h.owner], p)
		cl := &f.classes[of[p.Topic]]
		cl.of(h.owner).had++
	}
	f.solve()
	return deal(s, f, of, had)
}

// classes puts topics with the same subscribers together. Topics that nobody subscribes to are in none.
func classes(s *groupSurvey) []class {
	var list []class
	known := make(map[string]int)
	var key []byte
	for _, topic := range s.topics {
		takers := s.takers[topic]
		if len(takers) == 0 {
			continue
		}
		key = key[:0]
		for _, m := range takers {
			key = binary.AppendUvarint(key, uint64(m))
		}
		c, ok := known[string(key)]
		if !ok {
			c = len(list)
			known[string(key)] = c
			list = append(list, class{members: make([]share, len(takers))})
			for i, m := range takers {
				list[c].members[i].member = int32(m)
			}
		}
		list[c].topics = append(list[c].topics, topic)
		list[c].left += int(s.partitions[topic])
	}
	return list
}

// of returns the share of a member.
func (cl *class) of(member int) *share {
	i, _ := slices.BinarySearchFunc(cl.members, int32(member), func(s share, m int32) int { return cmp.Compare(s.member, m) })
	return &cl.members[i]
}

// solve gives away all that is left. A round finds the nearest of the members that have the least, and fills all that
// are as near.
func (f *flow) solve() {
	nodes := len(f.classes) + len(f.load)
	f.distance, f.next = make([]int, nodes), make([]int, nodes)
	f.closed, f.queued = make([]bool, nodes), make([]bool, nodes)
	for {
		load, distance := f.nearest()
		if distance == unreached {
			return
		}
		clear(f.next)
		clear(f.closed)
		for c := range f.classes {
			for f.classes[c].left > 0 && f.pushFromClass(c, load, distance) {
				f.classes[c].left--
			}
		}
	}
}

// nearest computes the distances from all that is left, and returns the least load that can be reached, and how near.
func (f *flow) nearest() (load, distance int) {
	for i := range f.distance {
		f.distance[i] = unreached
	}
	f.queue = f.queue[:0]
	for c := range f.classes {
		if f.classes[c].left > 0 {
			f.relax(c, 0)
		}
	}
	for head := 0; head < len(f.queue); head++ {
		node := f.queue[head]
		f.queued[node] = false
		at := f.distance[node]
		if node < len(f.classes) {
			members := f.classes[node].members
			for i := range members {
				f.relax(len(f.classes)+int(members[i].member), at+members[i].give())
			}
			continue
		}
		for _, s := range f.seats[node-len(f.classes)] {
			if sh := &f.classes[s.class].members[s.place]; sh.has > 0 {
				f.relax(int(s.class), at+sh.take())
			}
		}
	}
	load, distance = unreached, unreached
	for m, l := range f.load {
		if d := f.distance[len(f.classes)+m]; d < unreached && (l < load || l == load && d < distance) {
			load, distance = l, d
		}
	}
	return load, distance
}

func (f *flow) relax(node, distance int) {
	if distance >= f.distance[node] {
		return
	}
	f.distance[node] = distance
	if !f.queued[node] {
		f.queued[node] = true
		f.queue = append(f.queue, node)
	}
}

// give is what one partition more costs.
func (s *share) give() int {
	if s.has < s.had {
		return -1
	}
	return 0
}

// take is what one partition less costs.
func (s *share) take() int {
	if s.has <= s.had {
		return 1
	}
	return 0
}

// pushFromClass gives one partition of a class to a member, directly or by way of others, along a shortest path that
// ends at a member with that load and distance. A node from which nothing was found is closed for the round: another
// round finds what that hides.
func (f *flow) pushFromClass(c, load, distance int) bool {
	if f.closed[c] {
		return false
	}
	f.closed[c] = true // while it is on the path
	cl := &f.classes[c]
	for ; f.next[c] < len(cl.members); f.next[c]++ {
		s := &cl.members[f.next[c]]
		m := int(s.member)
		if f.distance[len(f.classes)+m] == f.distance[c]+s.give() && f.pushFromMember(m, load, distance) {
			s.has++
			f.closed[c] = false
			return true
		}
	}
	return false
}

// pushFromMember lets a member have one more, or pass one of another class on.
func (f *flow) pushFromMember(m, load, distance int) bool {
	node := len(f.classes) + m
	if f.closed[node] {
		return false
	}
	if f.load[m] == load && f.distance[node] == distance {
		f.load[m]++
		return true
	}
	f.closed[node] = true
	for ; f.next[node] < len(f.seats[m]); f.next[node]++ {
		s := f.seats[m][f.next[node]]
		sh := &f.classes[s.class].members[s.place]
		if sh.has > 0 && f.distance[s.class] == f.distance[node]+sh.take() && f.pushFromClass(int(s.class), load, distance) {
			sh.has--
			f.closed[node] = false
			return true
		}
	}
	return false
}
