package tour

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skein-io/skein/internal/group"
)

// coordinatorScene: group id, hash, partition of __consumer_offsets, broker.
var coordinatorScene = Scene{Name: "coordinator", Begin: func(a *Act) []Step {
	s := &finding{Act: a}
	a.lanes, a.group = nil, ""
	return []Step{{Name: "hash", Do: s.hash}, {Name: "commit", Do: s.commit}, {Name: "look", Do: s.look}, {Name: "others", Do: s.others}}
}}

// unluckyGroup is a word whose hash is the smallest integer there is.
const unluckyGroup = "polygenelubricants"

type finding struct {
	*Act
	partitions int32
}

// hash works out by hand where the group belongs.
func (s *finding) hash() error {
	if _, err := s.observer(); err != nil {
		return err
	}
	if _, err := s.findCoordinator(s.client, unluckyGroup); err != nil { // __consumer_offsets is made for the first who asks
		return err
	}
	var err error
	if s.partitions, err = s.offsetsPartitions(); err != nil {
		return err
	}
	var rows [][]string
	h := javaHash(unluckyGroup, func(unit uint16, hash int32) {
		rows = append(rows, []string{string(rune(unit)), fmt.Sprint(unit), fmt.Sprint(hash)})
	})
	rows = slices.Concat(rows[:3], [][]string{{"…", "…", "…"}}, rows[len(rows)-3:])
	s.table([]string{"letter", "unit", "hash"}, rows)
	s.fact(Wire, "partitions", s.partitions > 0, true, s.partitions)
	s.fact(Wire, "hash", h, int32(-1<<31), h%s.partitions, partitionFor(unluckyGroup, s.partitions))
	return nil
}

// commit makes the group be, and asks who coordinates it.
func (s *finding) commit() error {
	if err := s.createTopic(1); err != nil {
		return err
	}
	if err := s.commitFor(unluckyGroup); err != nil {
		return err
	}
	found, err := s.findCoordinator(s.client, unluckyGroup)
	if err != nil {
		return err
	}
	leaders, err := s.offsetsLeaders()
	if err != nil {
		return err
	}
	partition := partitionFor(unluckyGroup, s.partitions)
	s.table([]string{"group", "coordinator", "address"}, [][]string{{unluckyGroup, fmt.Sprint(found.NodeID), fmt.Sprintf("%s:%d", found.Host, found.Port)}})
	s.fact(Wire, "leader", found.NodeID, leaders[partition], partition)
	return nil
}

// commitFor commits an offset as somebody who is in no group: that makes one.
func (s *finding) commitFor(groupID string) error {
	admin, err := s.admin()
	if err != nil {
		return err
	}
	var offsets kadm.Offsets
	offsets.AddOffset(s.topic, 0, 0, -1)
	return s.await("a commit of "+groupID, joinLimit, func() error { // a broker may not have heard of the topic yet
		committed, err := admin.CommitOffsets(s.ctx, groupID, offsets)
		if err != nil {
			return err
		}
		return committed.Error()
	})
}

// look reads __consumer_offsets, and every flight recorder, for the group.
func (s *finding) look() error {
	stored, err := s.whereStored()
	if err != nil {
		return err
	}
	want := partitionFor(unluckyGroup, s.partitions)
	s.fact(Wire, "stored", sorted(stored[unluckyGroup]), []int32{want}, s.partitions)
	if s.broker.Record == nil {
		return nil
	}
	heard, err := s.whoHeard(unluckyGroup)
	if err != nil {
		return err
	}
	s.fact(Recorder, "heard", heard, []int32{want})
	return nil
}

// whoHeard is the partitions whose recorders have a commit of the group.
func (s *finding) whoHeard(groupID string) ([]int32, error) {
	heard := map[int32]bool{}
	for p := range s.partitions {
		lines, err := recordedLines(s.broker.Record, p)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			e, err := recordedEvent(line)
			if err != nil {
				return nil, err
			}
			if c, ok := e.Event.(*group.Commit); ok && c.GroupID == groupID {
				heard[p] = true
			}
		}
	}
	return sorted(heard), nil
}

// others does the same with ordinary names, which spread.
func (s *finding) others() error {
	groups := []string{"billing", "shipping", "payroll", "Aa", "BB"}
	for _, g := range groups {
		if err := s.commitFor(g); err != nil {
			return err
		}
	}
	stored, err := s.whereStored()
	if err != nil {
		return err
	}
	want, got := map[string][]int32{}, map[string][]int32{}
	var rows [][]string
	for _, g := range groups {
		want[g] = []int32{partitionFor(g, s.partitions)}
		got[g] = sorted(stored[g])
		rows = append(rows, []string{g, fmt.Sprint(javaHash(g, nil)), fmt.Sprint(want[g][0]), strings.Trim(fmt.Sprint(got[g]), "[]")})
	}
	s.table([]string{"group", "hash", "expected", "stored"}, rows)
	s.fact(Wire, "others", got, want, len(groups))
	return nil
}

func sorted(set map[int32]bool) []int32 { return slices.Sorted(maps.Keys(set)) }
