package tour

import (
	"fmt"
	"slices"
)

// handover compares who has what before and after a change, and from where the new owners read.
type handover struct {
	*changing
	before    map[int32]string
	committed map[int32]int64
	expired   int             // sessions that had ended before
	read      map[int32]int64 // positions of the members that are there before
}

func (s *changing) handover() (*handover, error) {
	d, err := s.settled()
	if err != nil {
		return nil, err
	}
	h := &handover{changing: s, before: d.owners, read: map[int32]int64{}}
	if h.committed, err = s.Act.committed(); err != nil {
		return nil, err
	}
	if s.follower != nil {
		told, err := s.told()
		if err != nil {
			return nil, err
		}
		h.expired = len(told.expired)
	}
	for _, m := range s.alive {
		for p, at := range m.read() {
			h.read[p] = at
		}
	}
	return h, nil
}

// settle waits for the group to be whole again and states what moved: away from the member if it is gone, else to it.
func (h *handover) settle(who *member, gone bool) error {
	d, err := h.settled()
	if err != nil {
		return err
	}
	if err := h.more(); err != nil {
		return err
	}
	var rows [][]string
	fetched, began, want := map[int32]int64{}, map[int32]int64{}, map[int32]int64{}
	given := []int32{}
	for p := range int32(changePartitions) {
		from, to := h.before[p], d.owners[p]
		if from == to {
			continue
		}
		if gone && from == who.name || !gone && to == who.name {
			given = append(given, p)
		}
		owner := h.alive[slices.IndexFunc(h.alive, func(m *member) bool { return m.name == to })]
		want[p], fetched[p], began[p] = h.committed[p], owner.fetched()[p], owner.began()[p]
		rows = append(rows, []string{fmt.Sprintf("%s-%d", h.topic, p), from, to, fmt.Sprint(h.committed[p]), fmt.Sprint(h.read[p]), fmt.Sprint(began[p])})
	}
	h.table([]string{"partition", "from", "to", "committed", "read", "goes-on"}, rows)
	h.fact(Wire, "given", len(given) > 0, true, who.name, len(given))
	h.fact(Wire, "fetched", fetched, want)
	h.fact(Wire, "began", began, want)
	h.fact(Wire, "once", len(d.owners)-len(d.twice), changePartitions)
	return nil
}
