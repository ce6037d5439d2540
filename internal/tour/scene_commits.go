package tour

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/tour/lane"
)

// commitsScene: auto, sync and async commit, and a commit that comes too early; what is read twice, and what is lost.
var commitsScene = Scene{Name: "commits", Begin: func(a *Act) []Step {
	s := &committing{Act: a, processed: map[int64][]string{}}
	return []Step{{Name: "auto", Do: s.auto}, {Name: "sync", Do: s.sync}, {Name: "async", Do: s.async}, {Name: "early", Do: s.early}}
}}

const (
	// autoCommitInterval is auto.commit.interval.ms of the first consumer: so long that two polls in a row are never both
	// due.
	autoCommitInterval = 3 * time.Second
	// commitLimit is how long a Commit is given while the coordinator is muted: less than a session, which goes on meanwhile.
	commitLimit = 500 * time.Millisecond
	// commitRecords are all that the consumers of the scene read.
	commitRecords = 27
)

// none are no offsets.
var none = []int64{}

// committing is one partition, and consumers that read it one after the other: each is killed, and the next goes on.
type committing struct {
	*Act
	reader    *reader
	started   int
	processed map[int64][]string // who processed an offset, in order
}

// start lets the next consumer come.
func (s *committing) start(options ...consumer.Option) (err error) {
	s.started++
	s.reader, err = s.readWith(fmt.Sprintf("c%d", s.started), options...)
	return err
}

// process is the application's work on records.
func (s *committing) process(offsets ...int64) {
	for _, o := range offsets {
		s.processed[o] = append(s.processed[o], s.reader.name)
	}
}

// work is a poll, and the work on what it returned.
func (s *committing) work() error {
	batch, err := s.reader.poll()
	s.process(batch...)
	return err
}

// offset is what the group has committed.
func (s *committing) offset() (int64, error) {
	all, err := s.committed()
	at, some := all[0]
	if !some {
		at = -1
	}
	return at, err
}

// auto: what is processed is committed at the first Poll after the interval, and not at the one after that.
func (s *committing) auto() error {
	if err := s.createTopic(1); err != nil {
		return err
	}
	if err := s.meet(); err != nil {
		return err
	}
	if err := s.produce(1, commitRecords); err != nil {
		return err
	}
	if err := s.start(consumer.AutoCommit(autoCommitInterval)); err != nil {
		return err
	}
	if err := s.work(); err != nil {
		return err
	}
	processed := int64(len(s.reader.delivered))
	select {
	case <-time.After(autoCommitInterval):
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
	if err := s.work(); err != nil { // with this call the first batch is processed, and the time has come
		return err
	}
	batch, err := s.reader.poll() // and with this one the second, but the time has not
	if err != nil {
		return err
	}
	s.process(batch[:2]...)
	err = s.await("the automatic commit", changeSlack, func() error {
		at, err := s.offset()
		if err == nil && at < 0 {
			err = errNotYet
		}
		return err
	})
	if err == nil {
		err = s.underWay(0) // one that the last Poll began is written too
	}
	if err != nil {
		return err
	}
	at, err := s.offset()
	if err != nil {
		return err
	}
	s.fact(Wire, "auto.committed", at, processed, len(s.reader.delivered), len(s.processed))
	return s.succeed([]int64{3, 4, 5, 6, 7}, none)
}

// sync: Commit waits for the coordinator as long as it is given, and fetching goes on meanwhile.
func (s *committing) sync() error {
	if err := s.reader.commitWithin(changeSlack); err != nil {
		return err
	}
	at, err := s.offset()
	if err != nil {
		return err
	}
	s.fact(Wire, "sync.written", at, int64(6))
	if err := s.work(); err != nil {
		return err
	}
	s.mute()
	s.fact(Client, "sync.muted", outcome(s.reader.commitWithin(commitLimit)), "ErrRetriable", commitLimit.Milliseconds())
	if at, err = s.offset(); err != nil {
		return err
	}
	s.fact(Wire, "sync.held", at, int64(6))
	batch, err := s.reader.poll()
	if err != nil {
		return err
	}
	s.process(batch...)
	s.fact(Wire, "sync.polled", batch, []int64{9, 10, 11})
	answered := make(chan error, 1)
	waiting := s.reader
	go func() { answered <- waiting.commitWithin(changeSlack) }()
	if err := s.underWay(1); err != nil {
		return err
	}
	s.unmute()
	s.fact(Client, "sync.back", outcome(<-answered), "written")
	if err := s.work(); err != nil {
		return err
	}
	s.mute()
	s.fact(Client, "sync.last", outcome(s.reader.commitWithin(commitLimit)), "ErrRetriable")
	return s.succeed([]int64{12, 13, 14}, none)
}

// async: a commit that fails is not tried again, and the next one says more than it did.
func (s *committing) async() error {
	var called []string
	commit := func() error {
		return s.reader.CommitAsync(func(offsets []consumer.CommitOffset, err error) {
			called = append(called, fmt.Sprintf("%d→%s", offsets[0].Offset, outcome(err)))
		})
	}
	if err := s.unheard(commit); err != nil {
		return err
	}
	if err := s.work(); err != nil {
		return err
	}
	if err := commit(); err != nil {
		return err
	}
	if err := s.underWay(2); err != nil {
		return err
	}
	s.unmute()
	if err := s.underWay(0); err != nil {
		return err
	}
	if err := s.work(); err != nil { // the callbacks run in it
		return err
	}
	s.fact(Client, "async.called", called, []string{"15→ErrRetriable", "18→written"})
	at, err := s.offset()
	if err != nil {
		return err
	}
	s.fact(Wire, "async.covered", at, int64(18))
	if err := s.unheard(commit); err != nil {
		return err
	}
	return s.succeed([]int64{18, 19, 20}, none)
}

// early is the mistake: the position is committed, and what lies before it is not processed yet.
func (s *committing) early() error {
	batch, err := s.reader.poll()
	if err != nil {
		return err
	}
	if err := s.reader.commitWithin(changeSlack); err != nil {
		return err
	}
	s.process(batch[0])
	at, err := s.offset()
	if err != nil {
		return err
	}
	s.fact(Wire, "early.committed", at, int64(24), len(batch), batch[0])
	if err := s.succeed(none, []int64{22, 23}); err != nil {
		return err
	}
	s.whoProcessed()
	if err := s.reader.commitWithin(changeSlack); err != nil {
		return err
	}
	if err := s.reader.leave(); err != nil {
		return err
	}
	if _, err := s.awaitState("Empty", changeSlack); err != nil { // after LeaveGroup is answered
		return err
	}
	s.mark(s.reader.name, lane.End, "left", s.reader.name)
	return nil
}

// succeed kills the consumer, lets the next one take over, and tells what that one reads again, and what is lost: it was
// delivered, nobody processed it, and the next one begins behind it.
func (s *committing) succeed(wantAgain, wantLost []int64) error {
	committed, err := s.offset()
	if err != nil {
		return err
	}
	dead := s.reader
	dead.crash()
	if dead.muted {
		s.mark(s.words.Say("lane.coordinator"), lane.Resume, "unmuted")
	}
	if err := s.start(consumer.NoAutoCommit()); err != nil {
		return err
	}
	batch, err := s.reader.poll()
	if err != nil {
		return err
	}
	again, lost := []int64{}, []int64{}
	for _, o := range dead.delivered {
		switch done := len(s.processed[o]) > 0; {
		case done && o >= batch[0]:
			again = append(again, o)
		case !done && o < batch[0]:
			lost = append(lost, o)
		}
	}
	s.process(batch...)
	s.fact(Wire, s.step+".begins", batch[0], committed, s.reader.name)
	s.fact(Wire, s.step+".again", again, wantAgain, len(again))
	s.fact(Wire, s.step+".lost", lost, wantLost, len(lost))
	return nil
}

// mute lets the coordinator neither hear nor answer the consumer.
func (s *committing) mute() {
	s.reader.mute()
	s.mark(s.words.Say("lane.coordinator"), lane.Pause, "muted", s.reader.name)
}

func (s *committing) unmute() {
	s.mark(s.words.Say("lane.coordinator"), lane.Resume, "unmuted")
	s.reader.unmute()
}

// underWay waits until so many commits of the consumer wait for the coordinator, the one that was sent included.
func (s *committing) underWay(n int) error {
	return s.await(fmt.Sprintf("%d commits under way", n), changeSlack, func() error {
		if s.reader.Explain().Commits != n {
			return errNotYet
		}
		return nil
	})
}

// unheard mutes the coordinator and lets a commit be sent to it.
func (s *committing) unheard(commit func() error) error {
	before := s.reader.asked(protocol.KeyOffsetCommit)
	s.mute()
	if err := commit(); err != nil {
		return err
	}
	return s.await("the commit to be sent", changeSlack, func() error {
		if s.reader.asked(protocol.KeyOffsetCommit) == before {
			return errNotYet
		}
		return nil
	})
}

// whoProcessed shows who processed which offsets.
func (s *committing) whoProcessed() {
	var rows [][]string
	first := int64(0)
	for o := range int64(commitRecords) {
		if o+1 < commitRecords && slices.Equal(s.processed[o], s.processed[o+1]) {
			continue
		}
		by := strings.Join(s.processed[o], " ")
		if by == "" {
			by = s.words.Say("commits.nobody")
		}
		offsets := fmt.Sprint(o)
		if first < o {
			offsets = fmt.Sprintf("%d–%d", first, o)
		}
		rows = append(rows, []string{offsets, by})
		first = o + 1
	}
	s.table([]string{"offsets", "processed-by"}, rows)
}
