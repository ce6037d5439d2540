package oldconsumer

import (
	"cmp"
	"slices"
)

// Group is what a tree has of one group.
type Group struct {
	Name string
	// IDs are the members that live: their znodes are ephemeral. Sorted by name.
	IDs []ID
	// Owners say who reads which partition. A consumer that ended badly may have left none or old ones. Sorted by place.
	Owners []Owner
	// Offsets are where the group goes on. Sorted by place.
	Offsets []Offset
	// Problems are znodes that could not be understood. What they would have said is in none of the others.
	Problems []Problem
}

// ID is a member.
type ID struct {
	Name    string
	Streams map[string]int // by topic or pattern
}

// Owner is who reads a partition.
type Owner struct {
	Topic     string
	Partition int32
	Stream    string // MEMBER-STREAM
}

// Offset is where a group goes on in a partition.
type Offset struct {
	Topic     string
	Partition int32
	Offset    int64
}

// Problem is a znode that could not be understood, and why.
type Problem struct {
	Path string
	Why  string
}

func (p Problem) Error() string { return p.Path + ": " + p.Why }

// AddID takes the znode of a member.
func (g *Group) AddID(name string, data []byte) {
	streams, err := ParseID(data)
	if err != nil {
		g.problem(IDsPath(g.Name)+"/"+name, err)
		return
	}
	g.IDs = append(g.IDs, ID{name, streams})
}

// AddOwner takes the znode of an owner; place is the name of its partition.
func (g *Group) AddOwner(topic, place string, data []byte) {
	partition, err := ParsePartition(place)
	if err != nil {
		g.problem(OwnersPath(g.Name)+"/"+topic+"/"+place, err)
		return
	}
	g.Owners = append(g.Owners, Owner{topic, partition, string(data)})
}

// AddOffset takes the znode of an offset; place is the name of its partition.
func (g *Group) AddOffset(topic, place string, data []byte) {
	partition, err := ParsePartition(place)
	var offset int64
	if err == nil {
		offset, err = ParseOffset(data)
	}
	if err != nil {
		g.problem(OffsetsPath(g.Name)+"/"+topic+"/"+place, err)
		return
	}
	g.Offsets = append(g.Offsets, Offset{topic, partition, offset})
}

func (g *Group) problem(path string, err error) {
	g.Problems = append(g.Problems, Problem{path, err.Error()})
}

// Sort puts everything in its order.
func (g *Group) Sort() {
	slices.SortFunc(g.IDs, func(a, b ID) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(g.Owners, func(a, b Owner) int { return placeOrder(a.Topic, a.Partition, b.Topic, b.Partition) })
	slices.SortFunc(g.Offsets, func(a, b Offset) int { return placeOrder(a.Topic, a.Partition, b.Topic, b.Partition) })
	slices.SortFunc(g.Problems, func(a, b Problem) int { return cmp.Compare(a.Path, b.Path) })
}

func placeOrder(topic string, partition int32, otherTopic string, otherPartition int32) int {
	return cmp.Or(cmp.Compare(topic, otherTopic), cmp.Compare(partition, otherPartition))
}
