package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/consumer"
)

// share: three members come and one leaves; every record is taken once, with a token of its taker's epoch, and all is committed.
func share(b *bench) error {
	const partitions, each = 6, 500
	name, err := b.topic("t", partitions)
	if err != nil {
		return err
	}
	var members []*member
	for i := range 3 {
		m, err := b.join(topics(name))
		if err != nil {
			return err
		}
		members = append(members, m)
		if err := b.until(fmt.Sprintf("%d members share", i+1), has(partitions, members...)); err != nil {
			return err
		}
		if err := b.write(name, partitions, each); err != nil {
			return err
		}
	}
	if err := members[0].close(); err != nil {
		return err
	}
	if err := b.until("two members share what the first had", has(partitions, members[1:]...)); err != nil {
		return err
	}
	total := func() (n int) {
		for _, m := range members {
			n += m.took(name)
		}
		return n
	}
	if err := b.until("all records", func() bool { return total() >= 3*each*partitions }); err != nil {
		return err
	}
	if n := total(); n != 3*each*partitions {
		return fmt.Errorf("%d records were taken of %d", n, 3*each*partitions)
	}
	for _, m := range members[1:] {
		epoch := m.c.GroupMetadata().Generation
		for p, records := range m.taken {
			last := int32(0)
			for _, r := range records {
				if g := r.Token().Generation; g < last || g < 1 || g > epoch {
					return fmt.Errorf("%v at offset %d was taken in epoch %d, the one before in %d, and the member is in %d", p, r.Offset, g, last, epoch)
				} else {
					last = g
				}
			}
		}
		if err := m.close(); err != nil {
			return err
		}
	}
	offsets, err := b.adm.FetchOffsets(b.ctx, b.name)
	if err != nil {
		return err
	}
	for p := range int32(partitions) {
		if o, ok := offsets.Lookup(name, p); !ok || o.At != 3*each {
			return fmt.Errorf("partition %d is committed at %d of %d", p, o.At, 3*each)
		}
	}
	for _, m := range members {
		if told := m.told(); slices.ContainsFunc(told, func(s string) bool { return strings.HasPrefix(s, "lost") }) {
			return fmt.Errorf("a member was told %v", told)
		}
	}
	return nil
}

// static: a member that is closed and comes back within the session has the same partitions, and another process with its
// group.instance.id is refused meanwhile.
func static(b *bench) error {
	name, err := b.topic("t", 6)
	if err != nil {
		return err
	}
	first, err := b.join(topics(name), consumer.InstanceID("one"))
	if err != nil {
		return err
	}
	other, err := b.join(topics(name))
	if err != nil {
		return err
	}
	if err := b.until("both share", has(6, first, other)); err != nil {
		return err
	}
	mine, told := first.c.Assignment(), len(other.told())
	intruder, err := b.join(topics(name), consumer.InstanceID("one"))
	if err != nil {
		return err
	}
	if err := b.until("the second process with the id is refused", func() bool { return intruder.lastError() != nil }); err != nil {
		return err
	}
	if err := refusedWith(intruder.lastError(), kerr.UnreleasedInstanceID, "group.consumer.session.timeout.ms"); err != nil {
		return err
	}
	if err := first.close(); err != nil {
		return err
	}
	back, err := b.join(topics(name), consumer.InstanceID("one"))
	if err != nil {
		return err
	}
	if err := b.until("it has its partitions again", func() bool { return slices.Equal(back.c.Assignment(), mine) }); err != nil {
		return err
	}
	if now := len(other.told()); now != told {
		return fmt.Errorf("the other member was told of %d rebalances by it: %v", now-told, other.told())
	}
	return nil
}

func refusedWith(err error, code *kerr.Error, says string) error {
	refusal, ok := errors.AsType[*consumer.GroupError](err)
	if !ok || refusal.Code != code.Code || !errors.Is(err, consumer.ErrFatal) || !strings.Contains(err.Error(), says) {
		return fmt.Errorf("the refusal is %v, not %v with %q", err, code, says)
	}
	return nil
}

// pollInterval: who does not poll leaves and loses, the other takes over, and the next Poll joins again.
func pollInterval(b *bench) error {
	name, err := b.topic("t", 4)
	if err != nil {
		return err
	}
	slow, err := b.join(topics(name), consumer.PollIntervalMax(5*time.Second))
	if err != nil {
		return err
	}
	other, err := b.join(topics(name))
	if err != nil {
		return err
	}
	if err := b.until("both share", has(4, slow, other)); err != nil {
		return err
	}
	goOn := slow.rest()
	if err := b.write(name, 4, 1); err != nil { // its Poll returns
		return err
	}
	if err := b.until("the other has all", has(4, other)); err != nil {
		return err
	}
	goOn()
	if err := b.until("both share again", has(4, slow, other)); err != nil {
		return err
	}
	if told := slow.told(); !slices.Contains(told, "lost 2") {
		return fmt.Errorf("it was told %v", told)
	}
	return nil
}

// killed: a member that ends without a word is out after its session, and what it took and did not commit comes again.
func killed(b *bench) error {
	name, err := b.topic("t", 4)
	if err != nil {
		return err
	}
	victim, err := b.join(topics(name))
	if err != nil {
		return err
	}
	other, err := b.join(topics(name))
	if err != nil {
		return err
	}
	if err := b.until("both share", has(4, victim, other)); err != nil {
		return err
	}
	victim.kill()
	begun := time.Now()
	if err := b.until("the other has all", has(4, other)); err != nil {
		return err
	}
	if took := time.Since(begun); took < session/2 {
		return fmt.Errorf("the other had all after %v: the member has left", took)
	}
	return nil
}

// coordinatorDies: the node of the coordinator is killed. The next one has the group from the log: both members stay in it in
// their epoch, lose nothing, read on and commit.
func coordinatorDies(b *bench) error {
	const partitions = 6
	name, err := b.topic("t", partitions)
	if err != nil {
		return err
	}
	first, err := b.join(topics(name))
	if err != nil {
		return err
	}
	second, err := b.join(topics(name))
	if err != nil {
		return err
	}
	if err := b.until("both share", has(partitions, first, second)); err != nil {
		return err
	}
	if err := b.until("the leaders are there", func() bool { return b.write(name, partitions, 50) == nil }); err != nil {
		return err
	}
	both := func(n int) func() bool { return func() bool { return first.took(name)+second.took(name) >= n } }
	if err := b.until("records", both(partitions*50)); err != nil {
		return err
	}
	node, told := b.adm.FindGroupCoordinators(b.ctx, b.name)[b.name].NodeID, len(first.told())+len(second.told())
	epoch := first.c.GroupMetadata().Generation
	if node < 1 {
		return errors.New("the group has no coordinator")
	}
	if err := b.cluster.Nodes[node-1].Kill(); err != nil {
		return err
	}
	if err := b.until("it can be written again", func() bool { return b.write(name, partitions, 50) == nil }); err != nil {
		return err
	}
	if err := b.until("records after the node's death", both(partitions*100)); err != nil {
		return err
	}
	for _, m := range []*member{first, second} {
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		err := m.c.Commit(ctx)
		cancel()
		if err != nil {
			return err
		}
	}
	err = b.until("all is committed", func() bool {
		committed := b.committedAnew(name)
		return len(committed) == partitions && !slices.ContainsFunc(committed, func(at int64) bool { return at < 100 })
	})
	if err != nil {
		return err
	}
	if now := len(first.told()) + len(second.told()); now != told || first.c.GroupMetadata().Generation != epoch {
		return fmt.Errorf("the members were told of %d changes by it, and the first is in epoch %d after %d", now-told, first.c.GroupMetadata().Generation, epoch)
	}
	return nil
}
