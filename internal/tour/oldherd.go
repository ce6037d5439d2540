package tour

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/herd/measure"
	"github.com/skein-io/skein/internal/oldconsumer"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/herd"
	"github.com/skein-io/skein/internal/tour/lane"
)

const (
	oldBackoff = 2 * time.Second // rebalance.backoff.ms
	oldSession = 6 * time.Second // zookeeper.session.timeout.ms
	oldRest    = 30 * time.Second
)

// oldHerd is old consumers on a tree in memory, with a clock of its own: nobody waits for it.
type oldHerd struct {
	*herd.Herd
	world *sim.World
	names []string
	all   []herd.Happening
	begun int           // how many of all came before this step
	since time.Duration // and when it began
}

// newOldHerd has no chance in it: what a member asks takes 4 ms, and the first is told after 10 ms, the second after 20.
func newOldHerd() *oldHerd {
	h := &oldHerd{world: sim.NewWorld(sim.WorldOptions{})}
	h.Herd = herd.New(h.world, herd.Options{Partitions: herdPartitions, PerSecond: 10, Settings: oldconsumer.DefaultSettings(), SessionTimeout: oldSession,
		RequestDelay: func(string) time.Duration { return 4 * time.Millisecond },
		NotifyDelay: func(name string) time.Duration {
			n, _ := strconv.Atoi(strings.TrimPrefix(name, "o"))
			return time.Duration(n) * 10 * time.Millisecond
		},
		Tell: func(what herd.Happening) { h.all = append(h.all, what) }})
	return h
}

// run lets time pass. A world that goes round without end is a mistake of the model.
func (h *oldHerd) run(d time.Duration) {
	if err := h.world.Run(h.world.Now().Add(d)); err != nil {
		panic(err)
	}
}

// begin is where a step begins: what was read before is noted, and is not its own.
func (h *oldHerd) begin() {
	h.Note()
	h.begun, h.since = len(h.all), h.Now()
}

// join starts a member and lets the herd come to rest.
func (h *oldHerd) join(name string) {
	h.names = append(h.names, name)
	h.Join(name)
	h.run(oldRest)
	h.Note()
}

// cut cuts a member off for so long; at its end what everybody has read is noted.
func (h *oldHerd) cut(name string, d time.Duration) {
	h.Cut(name)
	h.run(d)
	h.Note()
}

// heal ends cut and lets the herd come to rest.
func (h *oldHerd) heal(name string) {
	h.Heal(name)
	h.run(oldRest)
}

func (h *oldHerd) reading() map[string][]int32 {
	all := map[string][]int32{}
	for _, name := range h.names {
		all[name] = h.Reading(name)
	}
	return all
}

// owners is who owns partitions, as the tree has it.
func (h *oldHerd) owners(partitions ...int32) map[int32]string {
	all := map[int32]string{}
	for _, p := range partitions {
		answer, _ := h.Tree.Do(0, oldconsumer.Request{Op: oldconsumer.Get, Path: oldconsumer.OwnerPath(herd.Group, herd.Topic, p)})
		all[p] = oldconsumer.MemberOf(string(answer.Data))
	}
	return all
}

// figures measures this step up to now.
func (h *oldHerd) figures() measure.Figures {
	history := measure.History{Partitions: herdPartitions}
	for _, what := range h.all {
		if e, ok := what.Event(slices.Index(h.names, what.Member)); ok {
			history.Events = append(history.Events, e)
		}
	}
	return history.Figures(h.since, h.Now()+1)
}

// counts is what this step cost each member.
type counts struct {
	names                               []string
	notified, requests, tries, collided map[string]int
	idReads                             int
}

func (h *oldHerd) counts() counts {
	c := counts{h.names, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, 0}
	for _, what := range h.all[h.begun:] {
		switch what.Kind {
		case herd.Notified:
			c.notified[what.Member]++
		case herd.Asked:
			c.requests[what.Member]++
			if what.Request.Op == oldconsumer.Get && strings.HasPrefix(what.Request.Path, oldconsumer.IDsPath(herd.Group)+"/") {
				c.idReads++
			}
		case herd.Noted:
			switch what.Note.Kind {
			case oldconsumer.Began:
				c.tries[what.Member]++
			case oldconsumer.Collided:
				c.tries[what.Member]++ // it will try again
				c.collided[what.Member]++
			}
		}
	}
	return c
}

func (c *counts) allTries() (n int) {
	for _, tries := range c.tries {
		n += tries
	}
	return n
}

func (c *counts) rows() [][]string {
	var rows [][]string
	for _, name := range c.names {
		rows = append(rows, []string{name, fmt.Sprint(c.notified[name]), fmt.Sprint(c.requests[name]), fmt.Sprint(c.tries[name])})
	}
	return rows
}

// draw draws this step: who is told, who stops and who begins to read.
func (s *herding) draw() {
	h := s.old
	zk := laneIn(&s.lanes, "zk")
	for _, name := range h.names {
		laneIn(&s.lanes, name)
	}
	row := func(at time.Duration, from, to int, kind lane.Mark, key string, args ...any) {
		s.marks = append(s.marks, mark{row: lane.Row{At: at - h.since, From: from, To: to, Mark: kind, Text: s.words.Say("lane.old."+key, args...)}})
	}
	all := h.all[h.begun:]
	for i := 0; i < len(all); i++ {
		what := all[i]
		at := laneIn(&s.lanes, what.Member)
		switch what.Kind {
		case herd.Asked:
			if what.Request.Op == oldconsumer.CreateEphemeral && strings.HasPrefix(what.Request.Path, oldconsumer.IDsPath(herd.Group)+"/") {
				row(what.At, at, zk, lane.None, "registers")
			}
		case herd.Notified:
			row(what.At, zk, at, lane.None, "told")
		case herd.SessionEnded:
			row(what.At, zk, zk, lane.Change, "ended", what.Member)
		case herd.Noted:
			var partitions []string
			for ; i < len(all) && all[i].Kind == herd.Noted && all[i].Member == what.Member && all[i].Note.Kind == what.Note.Kind; i++ {
				partitions = append(partitions, fmt.Sprint(all[i].Note.Partition))
			}
			i--
			said := strings.Join(partitions, " ")
			switch what.Note.Kind {
			case oldconsumer.Stopped:
				row(what.At, at, at, lane.None, "stopped", said)
			case oldconsumer.Started:
				row(what.At, at, at, lane.Change, "started", said)
			case oldconsumer.Collided:
				row(what.At, at, at, lane.None, "collided", said)
			case oldconsumer.GaveUp:
				row(what.At, at, at, lane.None, "gave-up")
			}
		}
	}
}
