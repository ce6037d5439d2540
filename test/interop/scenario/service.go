package scenario

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/skein-io/skein/test/interop/check"
	"github.com/skein-io/skein/test/interop/family"
	"github.com/skein-io/skein/test/interop/line"
)

const (
	// serviceRate is how many records a second each family writes and reads while nodes come and go.
	serviceRate = 200
	// serviceMost is more than are written in the time that a scenario may take.
	serviceMost = 1_000_000
	// further is how many records of each partition a group takes before it counts as going on.
	further = 10
)

// service is what one family has running while nodes come and go: an idempotent producer that writes until it is told to
// end, and a group of two that reads the same topic. The first member commits synchronously; where the library commits by
// itself too, the second leaves it to the library.
type service struct {
	f            *family.Family
	topic, group string
	producer     *line.Client
	run          *line.Run
	want         *check.Produced
	seats        []*seat
	settled      []int           // changes of assignment that each member had before the first restart
	floor        map[int32]int64 // the commits that were seen last
	notes        Notes
	err          error
}

// startService returns when both members have partitions and take records of each.
func startService(ctx context.Context, env *Env, f *family.Family, name string) *service {
	s := &service{f: f, topic: named(f, name), group: named(f, name), floor: map[int32]int64{}, notes: Notes{}}
	begun := time.Now()
	if err := s.start(ctx, env); err != nil {
		s.fail(fmt.Errorf("at the start: %w; %s", err, histories(s.seats)))
	}
	s.notes["at work after"] = seconds(begun)
	return s
}

// fail keeps the first error, if it is one.
func (s *service) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *service) start(ctx context.Context, env *Env) error {
	if err := env.topic(ctx, s.topic, partitions); err != nil {
		return err
	}
	for i, commit := range []string{"sync", "auto"} {
		r := memberRequest(s.f, s.topic, s.group, env.Records)
		r.RateMax, r.Commit = 0, commit
		if commit == "auto" && !s.f.CommitsItself {
			r.Commit = "sync"
		}
		seat, err := startSeat(ctx, env, s.f, r, i)
		if err != nil {
			return err
		}
		s.seats = append(s.seats, seat)
	}
	var err error
	if s.producer, err = s.f.Start(ctx, env.Bootstrap); err != nil {
		return err
	}
	s.want = &check.Produced{Tag: "c", Count: serviceMost, Keys: keys, Size: valueSize, TellsOffsets: s.f.TellsOffsets,
		RecordHeaders: s.f.RecordHeaders, NoDuplicates: true, Ordered: true}
	err = env.until(ctx, "both members with partitions", patience, func() (bool, error) {
		return share(s.seats) && len(s.seats[0].Assigned()) > 0 && len(s.seats[1].Assigned()) > 0, s.alive(ctx)
	})
	if err != nil {
		return err
	}
	s.run = s.producer.Send(line.Request{Cmd: "produce", Topic: s.topic, Codec: "lz4", Idempotent: true, Count: serviceMost,
		Keys: keys, Size: valueSize, Tag: "c", Rate: serviceRate}, s.want.Take)
	if err := s.goesOn(ctx, env); err != nil {
		return err
	}
	for _, seat := range s.seats {
		s.settled = append(s.settled, len(seat.Changes()))
	}
	return nil
}

// alive is the error of a program whose command is over.
func (s *service) alive(ctx context.Context) error {
	for _, member := range s.seats {
		if err := member.ended(ctx); err != nil {
			return err
		}
	}
	if s.run == nil {
		return nil
	}
	select {
	case <-s.run.Ended():
		_, err := s.run.Wait(ctx)
		return fmt.Errorf("the producer ended too soon: %w", err)
	default:
		return nil
	}
}

// reached is one past the last record that any member took of each partition.
func (s *service) reached() map[int32]int64 {
	most := map[int32]int64{}
	for _, member := range s.seats {
		for _, r := range member.Runs() {
			most[r.Partition] = max(most[r.Partition], r.Next)
		}
	}
	return most
}

// goesOn returns when records of every partition have been written and taken since it was called. A record comes through
// only if the partition has a leader that takes it, and the group somebody who reads it.
func (s *service) goesOn(ctx context.Context, env *Env) error {
	from := s.reached()
	err := env.until(ctx, "every partition goes on", patience, func() (bool, error) {
		now := s.reached()
		for p := range int32(partitions) {
			if now[p] < from[p]+further {
				return false, s.alive(ctx)
			}
		}
		return true, s.alive(ctx)
	})
	if err != nil {
		return fmt.Errorf("%w: from %v to %v", err, from, s.reached())
	}
	return s.commits(ctx, env)
}

// commits demands that none moved back since it was seen last.
func (s *service) commits(ctx context.Context, env *Env) error {
	var committed map[int32]int64
	var last error
	err := env.until(ctx, "the group's offsets", patience, func() (bool, error) {
		committed, last = env.committedAnew(ctx, s.group, s.topic)
		return last == nil, nil // the coordinator's node may just be gone
	})
	if err != nil {
		return fmt.Errorf("%w: %w", err, last)
	}
	for p, o := range s.floor {
		if committed[p] < o {
			return fmt.Errorf("partition %d was committed at %d and is now at %d", p, o, committed[p])
		}
	}
	s.floor = maps.Clone(committed)
	return nil
}

// finish ends the producer, waits until the group has seen everything, and compares.
func (s *service) finish(ctx context.Context, env *Env, undisturbed bool) error {
	begun := time.Now()
	s.producer.Stop()
	if _, err := s.run.Wait(ctx); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	s.run = nil
	s.want.Count = s.want.Acked()
	held, err := check.ReadTopic(ctx, env.Bootstrap, s.topic)
	if err != nil {
		return err
	}
	if err := s.want.Compare(held); err != nil {
		return err
	}
	members := []*check.Member{s.seats[0].Member, s.seats[1].Member}
	err = env.until(ctx, "the group at the topic's end", patience, func() (bool, error) {
		now := s.reached()
		for p, records := range held {
			if now[p] <= records[len(records)-1].Offset {
				return false, s.alive(ctx)
			}
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("%w: at %v", err, s.reached())
	}
	if err := check.Contents(held, members...); err != nil {
		return err
	}
	for _, m := range members {
		if err := m.Steps(); err != nil {
			return err
		}
	}
	if undisturbed {
		if err := s.undisturbed(); err != nil {
			return err
		}
		if n := taken(members); n != held.Len() {
			return fmt.Errorf("%d records were taken of %d: some twice", n, held.Len())
		}
	}
	if err := leaveGroup(ctx, env, s.seats, held, s.topic, s.group); err != nil {
		return err
	}
	for _, seat := range s.seats {
		if told := told(seat); len(told) > 0 {
			s.notes[seat.Name+" was told"] = fmt.Sprintf("%d errors, the first: %s", len(told), told[0])
		}
	}
	s.notes["ended after"] = seconds(begun)
	s.notes["records"] = fmt.Sprintf("%d, %d of them taken twice", held.Len(), taken(members)-held.Len())
	return nil
}

// told are the errors that a member handed on to the application.
func told(seat *seat) []string {
	all := seat.Troubles()
	for _, c := range seat.Commits() {
		if c.Error != "" {
			all = append(all, "a commit failed: "+c.Error)
		}
	}
	return all
}

// undisturbed demands that the restarts were not felt by the application: it was told of no error, and not even of a
// rebalance, since the coordinator's members outlive the coordinator's node.
func (s *service) undisturbed() error {
	for i, seat := range s.seats {
		if told := told(seat); len(told) > 0 {
			return fmt.Errorf("%s was told %d errors, the first: %s", seat.Name, len(told), told[0])
		}
		if changes := seat.Changes(); len(changes) > s.settled[i] {
			c := changes[s.settled[i]]
			return fmt.Errorf("%s had a rebalance: %s %v at %s", seat.Name, c.Kind, c.Parts, c.At.Format("15:04:05.000"))
		}
	}
	return nil
}

func (s *service) end() {
	closeSeats(s.seats)
	if s.producer != nil {
		s.producer.Kill()
	}
}
