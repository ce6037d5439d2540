package broker

import (
	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// shard is one partition of __consumer_offsets in one leader epoch.
type shard struct {
	groups  *Groups
	process *Process
	index   int32
	epoch   record.LeaderEpoch
	hosted  *partition.Partition
	gone    bool          // it is not led here any more, or in another epoch
	base    group.Instant // wall clock when the process started; the monotonic clock goes on from there

	core     *group.Shard // nil while it is not loaded
	loads    int          // what was asked for in an earlier load counts no more
	fx       group.Effects
	timers   timers
	deferred []group.DeferredReply
	waiting  map[group.Token]func(group.Body, *protocol.Error)
	tokens   group.Token

	inbox     []group.Event
	due       bool // a round will come
	appended  group.Seq
	written   []written
	committed record.Offset
	failed    error

	newest newest
}

// written is a batch in the log that is not committed.
type written struct {
	last group.Seq
	end  record.Offset
	at   group.Instant
	late bool // reported as timed out
}

func newShard(g *Groups, index int32, epoch record.LeaderEpoch, hosted *partition.Partition) *shard {
	return &shard{groups: g, process: g.process, index: index, epoch: epoch, hosted: hosted,
		base: group.Instant(g.process.Now().UnixMilli()) - group.Instant(g.process.Machine.Now()/1e6)}
}

// now is the shard's clock. A wall clock that is set does not move it.
func (s *shard) now() group.Instant {
	if s.process.World.Has(WallClockSessions) {
		return group.Instant(s.process.Now().UnixMilli())
	}
	return s.base + group.Instant(s.process.Machine.Now()/1e6)
}

// begin loads the shard as soon as everything in its log is committed.
func (s *shard) begin() {
	s.loads++
	load := s.loads
	s.hosted.OnCommitted(s.hosted.LogEnd(), func(err error) {
		s.process.Machine.After(s.process.Rand.Between(0, 20*1e6), func() {
			switch {
			case s.loads != load || s.process.Ended || s.gone:
			case err != nil || !s.hosted.Leased():
				s.again()
			default:
				s.load()
			}
		})
	})
}

func (s *shard) load() {
	core := group.New(s.groups.config)
	s.timers, s.deferred, s.waiting = timers{}, nil, map[group.Token]func(group.Body, *protocol.Error){}
	s.inbox, s.appended, s.written, s.committed, s.failed = nil, 0, nil, 0, nil
	s.fx.Reset()
	records, err := s.readLog()
	if s.process.Ended {
		return
	}
	if err != nil {
		s.process.World.Notef("loading groups %d: %v", s.index, err)
		s.again()
		return
	}
	for i := range bugOf(s.process.World).loaded(records) {
		core.Replay(&records[i])
	}
	s.core = core
	s.process.World.Reach("groups loaded")
	s.step(&group.Loaded{})
	s.soon(0)
}

// again loads once more after a while.
func (s *shard) again() {
	s.process.Machine.After(1e9, func() {
		if !s.process.Ended && s.core == nil && !s.gone {
			s.begin()
		}
	})
}

// readLog decodes every record up to the high watermark.
func (s *shard) readLog() ([]group.Record, error) {
	var records []group.Record
	end := s.hosted.HighWatermark()
	for from := s.hosted.LogStart(); from < end; {
		slice, err := s.hosted.Read(from, end, 16<<10, true)
		if err != nil {
			return nil, err
		}
		next, found, err := s.readSlice(slice, from, records)
		slice.Release()
		if err != nil {
			return nil, err
		}
		if next == from {
			break
		}
		from, records = next, found
	}
	return records, nil
}

// readSlice decodes the records of a slice, and returns the offset behind them. A damaged one is told to the partition.
func (s *shard) readSlice(slice commitlog.Slice, from record.Offset, records []group.Record) (record.Offset, []group.Record, error) {
	b, err := slice.ReadAll()
	if err != nil {
		return from, nil, err
	}
	for len(b) > 0 {
		batch, rest, err := record.Split(b)
		if err == nil {
			err = batch.Check()
		}
		if err != nil {
			s.hosted.Spoilt(slice.Check())
			return from, nil, err
		}
		if records, err = decodeBatch(batch, records); err != nil {
			return from, nil, err
		}
		from, b = batch.NextOffset(), rest
	}
	return from, records, nil
}

// send queues an event. finish takes the reply.
func (s *shard) send(e group.Event, token group.Token, finish func(group.Body, *protocol.Error)) {
	if token != 0 {
		s.waiting[token] = finish
	}
	s.inbox = append(s.inbox, e)
	s.soon(s.process.Rand.Between(0, 1e6))
}

// append writes a batch in the epoch of the shard.
func (s *shard) append(batch []byte) (commitlog.Appended, error) {
	if epoch, leading := s.hosted.LeaderEpoch(); !leading || epoch != s.epoch {
		return commitlog.Appended{}, protocol.Fail(protocol.NotLeaderOrFollower, "%s is not led here in epoch %d any more", s.hosted.Name, s.epoch)
	}
	return s.hosted.Append(batch, commitlog.Coordinator, partition.AcksAll)
}

// flush appends everything that was asked for as one batch.
func (s *shard) flush() {
	if len(s.fx.Records) == 0 || s.failed != nil {
		return
	}
	b := record.NewBuilder()
	for i := range s.fx.Records {
		key, value := encodeRecord(&s.fx.Records[i])
		if err := b.Add(int64(s.now()), key, value); err != nil {
			panic(err)
		}
	}
	batch, err := b.Build()
	if err != nil {
		panic(err)
	}
	last := s.fx.Records[len(s.fx.Records)-1].Seq
	s.fx.Records, s.fx.Units = s.fx.Records[:0], s.fx.Units[:0]
	appended, err := s.append(batch)
	if err != nil {
		s.process.World.Notef("groups %d: append: %v", s.index, err)
		s.failed = err
		s.soon(0)
		return
	}
	s.appended = last
	if s.process.World.Has(AppendedIsCommitted) {
		defer func() {
			s.step(&group.Committed{UpTo: last})
			s.release(last)
		}()
	}
	end := appended.Last + 1
	s.written = append(s.written, written{last: last, end: end, at: s.now()})
	s.step(&group.Appended{UpTo: last})
	load := s.loads
	s.hosted.OnCommitted(end, func(err error) {
		if s.loads != load || s.process.Ended {
			return
		}
		if err != nil {
			s.failed = err
		} else {
			s.committed = max(s.committed, end)
		}
		s.soon(0)
	})
	s.process.RoundSoon()
}
