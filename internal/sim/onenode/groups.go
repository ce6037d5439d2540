package onenode

import (
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// groups drives the decisions of package group, one shard for each partition of __consumer_offsets, as package
// coordinator does with goroutines. It keeps the rules of a driver that are written in package group.
type groups struct {
	life   *life
	shards map[int32]*shard
	config group.Config
}

func newGroups(l *life) *groups {
	g := &groups{life: l, shards: map[int32]*shard{}, config: group.DefaultConfig()}
	g.config.SessionTimeoutMin = sessionTimeout / 4
	g.config.InitialDelay = 300 * time.Millisecond
	g.config.CleanupInterval = 2 * time.Second
	g.config.OffsetsRetention = 3 * time.Hour // more than the wall clock is ever moved
	return g
}

// elect makes a shard for each partition of the topic.
func (g *groups) elect(topic *metadata.Topic) {
	for p := range topic.Partitions() {
		hosted := g.life.host.FindByID(topic.ID, p.Index)
		if hosted == nil || g.shards[p.Index] != nil {
			continue
		}
		s := newShard(g, p.Index, hosted)
		g.shards[p.Index] = s
		s.begin()
	}
}

// shardOf is the shard of a group, or why it cannot be asked.
func (g *groups) shardOf(id string) (*shard, *protocol.Error) {
	index := g.life.finder.PartitionFor(id)
	s := g.shards[index]
	switch {
	case s == nil:
		return nil, protocol.Fail(protocol.NotCoordinator, "partition %d of __consumer_offsets is not here", index)
	case s.core == nil:
		return nil, protocol.Fail(protocol.CoordinatorLoadInProgress, "partition %d of __consumer_offsets is being loaded", index)
	}
	return s, nil
}

// shard is one partition of __consumer_offsets.
type shard struct {
	groups *groups
	life   *life
	index  int32
	hosted *partition.Partition
	base   group.Instant // wall clock when the process started; the monotonic clock goes on from there

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

func newShard(g *groups, index int32, hosted *partition.Partition) *shard {
	return &shard{groups: g, life: g.life, index: index, hosted: hosted,
		base: group.Instant(g.life.now().UnixMilli()) - group.Instant(g.life.node.machine.Now()/1e6)}
}

// now is the shard's clock. A wall clock that is set does not move it.
func (s *shard) now() group.Instant {
	if s.life.world.has(WallClockSessions) {
		return group.Instant(s.life.now().UnixMilli())
	}
	return s.base + group.Instant(s.life.node.machine.Now()/1e6)
}

// begin loads the shard as soon as everything in its log is committed.
func (s *shard) begin() {
	s.loads++
	load := s.loads
	s.hosted.OnCommitted(s.hosted.LogEnd(), func(err error) {
		s.life.node.machine.After(s.life.rand.Between(0, 20*1e6), func() {
			if s.loads == load && !s.life.ended && err == nil {
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
	if s.life.ended {
		return
	}
	if err != nil {
		s.life.world.Notef("loading groups %d: %v", s.index, err)
		s.again()
		return
	}
	for i := range s.life.world.options.Bug.loaded(records) {
		core.Replay(&records[i])
	}
	s.core = core
	s.life.world.reach("groups loaded")
	s.step(&group.Loaded{})
	s.soon(0)
}

// again loads once more after a while.
func (s *shard) again() {
	s.life.node.machine.After(1e9, func() {
		if !s.life.ended && s.core == nil {
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
		b, err := slice.ReadAll()
		slice.Release()
		if err != nil {
			return nil, err
		}
		if len(b) == 0 {
			break
		}
		for len(b) > 0 {
			batch, rest, err := record.Split(b)
			if err != nil {
				return nil, err
			}
			if err := batch.Check(); err != nil {
				return nil, err
			}
			if records, err = decodeBatch(batch, records); err != nil {
				return nil, err
			}
			from, b = batch.NextOffset(), rest
		}
	}
	return records, nil
}

// send queues an event. finish takes the reply.
func (s *shard) send(e group.Event, token group.Token, finish func(group.Body, *protocol.Error)) {
	if token != 0 {
		s.waiting[token] = finish
	}
	s.inbox = append(s.inbox, e)
	s.soon(s.life.rand.Between(0, 1e6))
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
	appended, err := s.hosted.Append(batch, commitlog.Coordinator, partition.AcksAll)
	if err != nil {
		s.life.world.Notef("groups %d: append: %v", s.index, err)
		s.failed = err
		s.soon(0)
		return
	}
	s.appended = last
	if s.life.world.has(AppendedIsCommitted) {
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
		if s.loads != load || s.life.ended {
			return
		}
		if err != nil {
			s.failed = err
		} else {
			s.committed = max(s.committed, end)
		}
		s.soon(0)
	})
	s.life.roundSoon()
}
