package herd

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/skein-io/skein/internal/oldconsumer"
)

// The one group and topic of both sides.
const (
	groupName = "readers"
	topicName = "orders"
)

// oldSide is old consumers on a real ZooKeeper, below a znode of their own.
type oldSide struct {
	o       Options
	root    string
	conn    *zk.Conn // that makes the tree and takes it away
	diary   *diary
	cancel  context.CancelFunc
	running sync.WaitGroup
	members []*oldMember
}

// openOld makes the tree: one broker, the topic, the group with its offsets at 0.
func openOld(ctx context.Context, o Options, d *diary) (side, error) {
	conn, events, err := zk.Connect(o.ZooKeeper, o.Session, zk.WithLogger(quiet{}), zk.WithLogInfo(false))
	if err != nil {
		return nil, fmt.Errorf("ZooKeeper at %v: %w", o.ZooKeeper, err)
	}
	s := &oldSide{o: o, root: fmt.Sprintf("%s/skein-herd-%d", o.Root, time.Now().UnixNano()), conn: conn, diary: d}
	// Whoever waits, waits for its back-off, or to learn that a session is over.
	d.hopeless = max(2*oldSettings().Backoff, o.Session)
	deadline := time.After(10 * time.Second)
	for state := zk.StateUnknown; state != zk.StateHasSession; {
		select {
		case e := <-events:
			state = e.State
		case <-ctx.Done():
			conn.Close()
			return nil, context.Cause(ctx)
		case <-deadline:
			conn.Close()
			return nil, fmt.Errorf("ZooKeeper at %v gave no session within 10 s; is it there?", o.ZooKeeper)
		}
	}
	go func() {
		for range events {
		}
	}()
	if err := s.plant(o.Members[0]); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *oldSide) plant(partitions int) error {
	nodes := [][2]string{{"", ""}, {"/consumers", ""}, {"/consumers/" + groupName, ""}, {oldconsumer.IDsPath(groupName), ""}, {oldconsumer.OwnersPath(groupName), ""},
		{oldconsumer.OwnersPath(groupName) + "/" + topicName, ""}, {oldconsumer.OffsetsPath(groupName), ""}, {oldconsumer.OffsetsPath(groupName) + "/" + topicName, ""},
		{"/brokers", ""}, {oldconsumer.BrokerIDsPath, ""}, {oldconsumer.BrokerIDsPath + "/1", "{}"}, {oldconsumer.BrokerTopicsPath, ""},
		{oldconsumer.BrokerTopicsPath + "/" + topicName, string(oldconsumer.FormatTopic(partitions, 1))}}
	for p := range partitions {
		nodes = append(nodes, [2]string{oldconsumer.OffsetPath(groupName, topicName, int32(p)), "0"})
	}
	for _, n := range nodes {
		if _, err := s.conn.Create(s.root+n[0], []byte(n[1]), zk.FlagPersistent, zk.WorldACL(zk.PermAll)); err != nil {
			return fmt.Errorf("make %s in ZooKeeper: %w", s.root+n[0], err)
		}
	}
	return nil
}

func (s *oldSide) join(ctx context.Context, n int) error {
	ctx, s.cancel = context.WithCancel(ctx)
	for i := range n {
		m := &oldMember{number: i, side: s, inbox: make(chan func(), 16), done: make(chan struct{}), link: &cuttable{},
			member: oldconsumer.NewMember(groupName, topicName, fmt.Sprintf("c%04d", i), oldSettings(), oldconsumer.Log{PerSecond: s.o.PerSecond})}
		conn, events, err := zk.Connect(s.o.ZooKeeper, s.o.Session, zk.WithLogger(quiet{}), zk.WithLogInfo(false), zk.WithDialer(m.link.dial))
		if err != nil {
			return err
		}
		m.conn = conn
		s.members = append(s.members, m)
		s.running.Go(func() { m.run(ctx, events) })
	}
	return nil
}

func oldSettings() oldconsumer.Settings {
	o := oldconsumer.DefaultSettings()
	o.CommitInterval = commitInterval
	return o
}

func (s *oldSide) leave(ctx context.Context, member int) error {
	m := s.members[member]
	left := make(chan struct{})
	select {
	case m.inbox <- func() { m.leave(); close(left) }:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-left:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *oldSide) mute(member int)   { s.members[member].link.cut() }
func (s *oldSide) unmute(member int) { s.members[member].link.heal() }

func (s *oldSide) note() {
	var wait sync.WaitGroup
	for _, m := range s.members {
		wait.Go(func() {
			noted := make(chan struct{})
			select {
			case m.inbox <- func() { m.step(oldconsumer.Asked{}); close(noted) }:
				select {
				case <-noted:
				case <-m.done:
				}
			case <-m.done:
			}
		})
	}
	wait.Wait()
}

func (s *oldSide) close() {
	if s.cancel != nil {
		s.cancel()
	}
	s.running.Wait()
	s.uproot(s.root)
	s.conn.Close()
}

// uproot deletes a znode with all below it, once the last ephemeral ones are gone.
func (s *oldSide) uproot(path string) {
	names, _, err := s.conn.Children(path)
	if err != nil {
		return
	}
	for _, name := range names {
		s.uproot(path + "/" + name)
	}
	if err := s.conn.Delete(path, -1); err != nil && !errors.Is(err, zk.ErrNoNode) && s.o.Log != nil {
		s.o.Log.Warn("a znode is left", "path", path, "error", err)
	}
}

// do asks ZooKeeper what a member wants. lost is true where no answer will come.
func (s *oldSide) do(conn *zk.Conn, r oldconsumer.Request) (a oldconsumer.Answer, fired <-chan zk.Event, lost bool) {
	var err error
	path := s.root + r.Path
	switch r.Op {
	case oldconsumer.Children:
		a.Names, _, err = conn.Children(path)
	case oldconsumer.WatchChildren:
		a.Names, _, fired, err = conn.ChildrenW(path)
	case oldconsumer.Get:
		a.Data, _, err = conn.Get(path)
	case oldconsumer.Set:
		_, err = conn.Set(path, r.Data, -1)
	case oldconsumer.CreateEphemeral:
		_, err = conn.Create(path, r.Data, zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
	case oldconsumer.Delete:
		err = conn.Delete(path, -1)
	}
	switch {
	case errors.Is(err, zk.ErrNoNode):
		a.Outcome = oldconsumer.NoNode
	case errors.Is(err, zk.ErrNodeExists):
		a.Outcome = oldconsumer.NodeExists
	}
	return a, fired, err != nil && a.Outcome == oldconsumer.OK
}

// quiet is a logger of the library that says nothing.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
