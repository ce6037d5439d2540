package check

import "testing"

func (b *builder) member(kind Kind, member, instance string, generation int32, owned ...Partition) *builder {
	return b.add(Operation{Process: member, Kind: kind, Group: "g", Member: member, Instance: instance,
		Generation: generation, Owned: owned})
}

func (b *builder) deleteGroup() *builder { return b.add(Operation{Kind: DeleteGroup, Group: "g"}) }

func TestGroupOwners(t *testing.T) {
	t1 := Partition{"t", 1}
	want(t, history().member(Sync, "m1", "", 1, t0).member(Sync, "m2", "", 1, t1))
	want(t, history().member(Sync, "m1", "", 1, t0, t1).member(Sync, "m2", "", 1, t1), "group-safety")
	want(t, history().member(Sync, "m1", "", 1, t0).member(Sync, "m2", "", 2, t0))
	want(t, history().member(Sync, "m1", "", 1, t0).member(Sync, "m1", "", 1, t0))
	want(t, history().member(Sync, "m1", "i", 1, t0).member(Sync, "m2", "i", 1, t0))
	want(t, history().member(Sync, "m1", "i", 1, t0).member(Sync, "m2", "j", 1, t0), "group-safety")
	want(t, history().member(Sync, "m1", "", 3, t0).deleteGroup().member(Sync, "m2", "", 3, t0))
}

func TestGroupGenerations(t *testing.T) {
	stale := Operation{Kind: Commit, Group: "g", Member: "m1", Generation: 1}
	two := func() *builder { return history().member(Sync, "m1", "", 1).member(Sync, "m2", "", 2) }
	want(t, two().add(stale), "group-safety")
	want(t, two().member(Heartbeat, "m1", "", 1), "group-safety")
	want(t, two().member(Sync, "m1", "", 1), "group-safety")
	want(t, two().add(stale).outcome(Fail, "ILLEGAL_GENERATION"))
	want(t, two().member(Heartbeat, "m2", "", 2))
	// Begun before the new generation was known to be stable.
	want(t, two().add(stale).at(24, 100))
	want(t, two().member(Heartbeat, "m1", "", 1).at(26, 100), "group-safety")
	// A commit outside any generation.
	want(t, two().add(Operation{Kind: Commit, Group: "g", Generation: -1}))
	// Another group, another life, and what overlaps with the deletion.
	want(t, two().member(Heartbeat, "m1", "", 1).with(func(o *Operation) { o.Group = "h" }))
	want(t, two().deleteGroup().member(Heartbeat, "m1", "", 1))
	want(t, two().deleteGroup().at(30, 50).member(Heartbeat, "m1", "", 1).at(40, 60))
	want(t, two().deleteGroup().outcome(Fail, "NON_EMPTY_GROUP").member(Heartbeat, "m1", "", 1), "group-safety")
	want(t, two().deleteGroup().outcome(Info, "").member(Heartbeat, "m1", "", 1))
	want(t, two().deleteGroup().member(Sync, "m1", "", 1).member(Sync, "m1", "", 2).member(Heartbeat, "m1", "", 1), "group-safety")
}

func TestGroupInstances(t *testing.T) {
	joined := func() *builder { return history().member(Join, "m1", "i", 1).member(Join, "m2", "i", 1) }
	taken := func() *builder { return joined().member(Sync, "m2", "i", 1) }
	want(t, joined().member(Heartbeat, "m1", "i", 1)) // the coordinator may have failed and forgotten m2
	want(t, taken().member(Heartbeat, "m2", "i", 1))
	want(t, taken().member(Heartbeat, "m1", "i", 1), "group-safety")
	want(t, taken().member(Heartbeat, "m1", "i", 1).outcome(Fail, "FENCED_INSTANCE_ID"))
	want(t, taken().member(Heartbeat, "m1", "i", 1).at(1, 100))
	want(t, history().member(Join, "m1", "i", 1).member(Join, "m1", "i", 2).member(Heartbeat, "m1", "i", 2))
	want(t, history().member(Join, "m1", "i", 1).member(Join, "m2", "j", 1).member(Heartbeat, "m1", "i", 1))
	// Two joins at once: either may be the older.
	want(t, history().member(Join, "m1", "i", 1).at(0, 50).member(Join, "m2", "i", 1).at(10, 40).member(Heartbeat, "m1", "i", 1).at(60, 70))
}
