// Command member is one consumer of a group with franz-go's defaults, until it
// is killed.
//
//	member BROKER GROUP TOPIC SESSION_MS DEADLINE_S
//
// It prints what src/member.c of package native prints.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "member:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 5 {
		return fmt.Errorf("usage: member BROKER GROUP TOPIC SESSION_MS DEADLINE_S")
	}
	session, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	deadline, err := strconv.Atoi(args[4])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(deadline)*time.Second)
	defer cancel()
	seen := &firsts{seen: map[int32]bool{}}
	client, err := kgo.NewClient(kgo.SeedBrokers(args[0]), kgo.ConsumerGroup(args[1]), kgo.ConsumeTopics(args[2]),
		kgo.SessionTimeout(time.Duration(session)*time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), // earliest, as in member.c
		kgo.OnPartitionsAssigned(seen.assigned), kgo.WithHooks(contacts{}))
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		client.PollFetches(ctx).EachRecord(seen.record)
	}
	return ctx.Err()
}

// contacts prints when a request is written that keeps the session alive.
type contacts struct{}

// OnBrokerWrite implements kgo.HookBrokerWrite.
func (contacts) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	switch kmsg.Key(key) {
	case kmsg.Heartbeat, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.OffsetCommit:
		if err == nil {
			fmt.Printf("contact %d\n", time.Now().UnixNano())
		}
	}
}

// OnBrokerConnect implements kgo.HookBrokerConnect; an error explains a run
// that does not get on.
func (contacts) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "member:", err)
	}
}

// firsts knows of which partitions a record has come since their assignment.
type firsts struct {
	mu   sync.Mutex
	seen map[int32]bool
}

func (f *firsts) assigned(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, partitions := range topics {
		for _, p := range partitions {
			delete(f.seen, p)
		}
	}
}

func (f *firsts) record(r *kgo.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.seen[r.Partition] {
		f.seen[r.Partition] = true
		fmt.Printf("consumed %d %d\n", r.Partition, time.Now().UnixNano())
	}
}
