package check

import (
	"math"
	"sort"
	"strings"
)

// GroupSafety finds groups that contradict themselves: a partition with two owners in one generation; a sync, heartbeat
// or commit of a generation that succeeds although it began after a later generation was stable; a static member whose
// instance another member had taken over, and that goes on all the same.
//
// A group that is deleted begins its generations anew. What overlaps with a deletion is not judged.
func GroupSafety(v *View) []Finding {
	r := report{class: "group-safety"}
	lives := v.groupLives()
	for _, key := range sortedKeys(lives, compareLives) {
		about := name(key.group)
		v.checkOwners(about, lives[key], &r)
		v.checkGenerations(about, lives[key], &r)
		v.checkInstances(about, lives[key], &r)
	}
	return r.done()
}

// life is a group between two deletions.
type life struct {
	group    string
	deletion int // how many came before
}

func compareLives(a, b life) int {
	if c := strings.Compare(a.group, b.group); c != 0 {
		return c
	}
	return a.deletion - b.deletion
}

// groupLives lists the operations of members that succeeded, in the order of Invoked.
func (v *View) groupLives() map[life][]int {
	deletions := v.deletions()
	lives := map[life][]int{}
	for _, i := range v.byStart {
		op := &v.ops[i]
		member := op.Kind == Join || op.Kind == Sync || op.Kind == Heartbeat || op.Kind == Commit && op.Generation > 0
		if !member || op.Outcome != OK {
			continue
		}
		d := deletions[op.Group]
		begun := sort.Search(len(d), func(k int) bool { return d[k].start > op.completed() })
		if begun > 0 && d[begun-1].latest >= op.Invoked {
			continue
		}
		key := life{op.Group, begun}
		lives[key] = append(lives[key], i)
	}
	return lives
}

// deletion is when a deletion began, and when the last of those up to it had ended.
type deletion struct{ start, latest int64 }

func (v *View) deletions() map[string][]deletion {
	all := map[string][]deletion{}
	for _, i := range v.byStart {
		op := &v.ops[i]
		if op.Kind != DeleteGroup || op.Outcome == Fail {
			continue
		}
		d := deletion{start: op.Invoked, latest: op.completed()}
		if op.Outcome == Info {
			d.latest = math.MaxInt64
		}
		if before := all[op.Group]; len(before) > 0 {
			d.latest = max(d.latest, before[len(before)-1].latest)
		}
		all[op.Group] = append(all[op.Group], d)
	}
	return all
}

// owner is who a partition belongs to: an instance stays the owner when a new process takes it over.
func (o *Operation) owner() string {
	if o.Instance != "" {
		return "instance " + o.Instance
	}
	return "member " + o.Member
}

func (v *View) checkOwners(about name, ops []int, r *report) {
	type place struct {
		generation int32
		partition  Partition
	}
	owners := map[place]int{}
	for _, i := range ops {
		if v.ops[i].Kind != Sync {
			continue
		}
		for _, p := range v.ops[i].Owned {
			at := place{v.ops[i].Generation, p}
			other, taken := owners[at]
			if taken && v.ops[other].owner() != v.ops[i].owner() {
				r.add(about, []int{other, i}, "%s belongs to %s and to %s in generation %d",
					p, v.ops[other].owner(), v.ops[i].owner(), at.generation)
			}
			owners[at] = i
		}
	}
}

func (v *View) checkGenerations(about name, ops []int, r *report) {
	var syncs []int
	for _, i := range ops {
		if v.ops[i].Kind == Sync {
			syncs = append(syncs, i)
		}
	}
	sortBy(syncs, func(i int) int64 { return v.ops[i].completed() })
	newest := -1 // the sync of the highest generation that was stable when the operation began
	for _, i := range ops {
		op := &v.ops[i]
		for len(syncs) > 0 && v.ops[syncs[0]].completed() < op.Invoked {
			if newest < 0 || v.ops[syncs[0]].Generation > v.ops[newest].Generation {
				newest = syncs[0]
			}
			syncs = syncs[1:]
		}
		if newest >= 0 && op.Generation < v.ops[newest].Generation {
			r.add(about, []int{newest, i}, "%s of %s succeeded in generation %d; %d was stable before it began",
				op.Kind, op.owner(), op.Generation, v.ops[newest].Generation)
		}
	}
}

// checkInstances looks at static members. A member id is younger than another of its instance if its first join began
// after the other's first join had ended. It has taken the instance over when a sync of it has succeeded: until then it is
// known to the coordinator's memory alone, and a coordinator that fails may go back to the one before.
func (v *View) checkInstances(about name, ops []int, r *report) {
	type identity struct{ instance, member string }
	firstJoin := map[identity]int{}
	synced := map[identity]bool{}
	var syncs []int // the first of each identity
	for _, i := range ops {
		op := &v.ops[i]
		id := identity{op.Instance, op.Member}
		_, again := firstJoin[id]
		switch {
		case op.Instance == "":
		case op.Kind == Join && !again:
			firstJoin[id] = i
		case op.Kind == Sync && again && !synced[id]:
			synced[id] = true
			syncs = append(syncs, i)
		}
	}
	sortBy(syncs, func(i int) int64 { return v.ops[i].completed() })
	youngest := map[string]int{} // first join by instance, of those that had taken it over when the operation began
	for _, i := range ops {
		op := &v.ops[i]
		for len(syncs) > 0 && v.ops[syncs[0]].completed() < op.Invoked {
			s := &v.ops[syncs[0]]
			join := firstJoin[identity{s.Instance, s.Member}]
			if y, ok := youngest[s.Instance]; !ok || v.ops[join].Invoked > v.ops[y].Invoked {
				youngest[s.Instance] = join
			}
			syncs = syncs[1:]
		}
		own, joined := firstJoin[identity{op.Instance, op.Member}]
		y, taken := youngest[op.Instance]
		if joined && taken && v.ops[y].Invoked > v.ops[own].completed() {
			r.add(about, []int{y, i}, "%s of member %s succeeded; instance %s had been taken over by %s",
				op.Kind, op.Member, op.Instance, v.ops[y].Member)
		}
	}
}
