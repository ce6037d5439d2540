package group

import "encoding/binary"

// learnTopics finds out what the members of a consumer group subscribe to, from what they said when they joined.
func (g *group) learnTopics() {
	g.topics, g.topicsKnown = nil, false
	if !g.usesConsumerProtocol() {
		return
	}
	topics := make(map[string]struct{})
	for m := g.members.first; m != nil; m = m.next {
		if !subscribedTopics(m.metadata(g.protocol), topics) {
			return
		}
	}
	g.topics, g.topicsKnown = topics, true
}

// subscribes says whether a topic's offsets are needed. Where that cannot be told they are (O17).
func (g *group) subscribes(topic string) bool {
	if !g.topicsKnown {
		return g.usesConsumerProtocol()
	}
	_, ok := g.topics[topic]
	return ok
}

// subscribedTopics adds the topics of a consumer's subscription. All versions begin alike; the rest is not read.
//
//	+---------+--------+--------+---------+------
//	| version | topics | length | topic's | ...
//	| int16   | int32  | int16  | name    |
//	+---------+--------+--------+---------+------
func subscribedTopics(b []byte, topics map[string]struct{}) bool {
	if len(b) < 6 {
		return false
	}
	if version := int16(binary.BigEndian.Uint16(b)); version < 0 {
		return false
	}
	n := int32(binary.BigEndian.Uint32(b[2:]))
	b = b[6:]
	for range n {
		if len(b) < 2 {
			return false
		}
		length := int16(binary.BigEndian.Uint16(b))
		if length < 0 || int(length) > len(b)-2 {
			return false
		}
		topics[string(b[2:2+length])] = struct{}{}
		b = b[2+length:]
	}
	return n >= 0
}
