package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
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

// pattern: a topic that is made later, and matches, is assigned; one that does not match is not.
func pattern(b *bench) error {
	one, err := b.topic("orders-1", 2)
	if err != nil {
		return err
	}
	if _, err := b.topic("other", 2); err != nil {
		return err
	}
	re := regexp.MustCompile("^" + b.name + "-orders-")
	m, err := b.join(func(c *consumer.Consumer) error { return c.SubscribePattern(re) })
	if err != nil {
		return err
	}
	if err := b.until("the first topic", has(2, m)); err != nil {
		return err
	}
	two, err := b.topic("orders-2", 3)
	if err != nil {
		return err
	}
	if err := b.until("the second topic", has(5, m)); err != nil {
		return err
	}
	for _, name := range []string{one, two} {
		if err := b.write(name, 2, 10); err != nil {
			return err
		}
		if err := b.until("records of "+name, func() bool { return m.took(name) == 20 }); err != nil {
			return err
		}
	}
	return m.close()
}

// topicGrows: the coordinator notices, and the member asks for no rebalance.
func topicGrows(b *bench) error {
	name, err := b.topic("t", 2)
	if err != nil {
		return err
	}
	m, err := b.join(topics(name))
	if err != nil {
		return err
	}
	if err := b.until("two partitions", has(2, m)); err != nil {
		return err
	}
	if _, err := b.adm.UpdatePartitions(b.ctx, 4, name); err != nil {
		return err
	}
	if err := b.until("four partitions", has(4, m)); err != nil {
		return err
	}
	if err := b.write(name, 4, 10); err != nil {
		return err
	}
	return b.until("records of all partitions", func() bool { return m.took(name) == 40 })
}

// topicMadeAgain: a topic of the same name has another id. What was held of the old one is given up, and the new one is read
// from its beginning.
func topicMadeAgain(b *bench) error {
	name, err := b.topic("t", 2)
	if err != nil {
		return err
	}
	m, err := b.join(topics(name))
	if err != nil {
		return err
	}
	if err := b.write(name, 2, 30); err != nil {
		return err
	}
	if err := b.until("records of the old topic", func() bool { return m.took(name) == 60 }); err != nil {
		return err
	}
	if _, err := b.adm.DeleteTopic(b.ctx, name); err != nil {
		return err
	}
	if err := b.until("the topic is gone", func() bool {
		found, err := b.adm.ListTopics(b.ctx, name)
		return err == nil && errors.Is(found[name].Err, kerr.UnknownTopicOrPartition)
	}); err != nil {
		return err
	}
	if _, err := b.topic("t", 2); err != nil {
		return err
	}
	if err := b.until("the new topic can be written", func() bool { return b.write(name, 2, 10) == nil }); err != nil {
		return err
	}
	return b.until("records of the new topic", func() bool { return m.took(name) == 80 })
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

// assignors: the broker's own by its name, and one that it does not have.
func assignors(b *bench) error {
	name, err := b.topic("t", 3)
	if err != nil {
		return err
	}
	m, err := b.join(topics(name), consumer.RemoteAssignor("range"))
	if err != nil {
		return err
	}
	if err := b.until("partitions by range", has(3, m)); err != nil {
		return err
	}
	groups, err := b.adm.DescribeConsumerGroups(b.ctx, b.name)
	if err != nil {
		return err
	}
	if by := groups[b.name].AssignorName; by != "range" {
		return fmt.Errorf("the group's assignor is %q", by)
	}
	unknown, err := b.join(topics(name), consumer.RemoteAssignor("alphabetic"))
	if err != nil {
		return err
	}
	if err := b.until("an assignor is refused", func() bool { return unknown.lastError() != nil }); err != nil {
		return err
	}
	return refusedWith(unknown.lastError(), kerr.UnsupportedAssignor, "group.consumer.assignors")
}

// bothProtocols: a classic group is gone over to the consumer protocol member by member, with auto, and back.
func bothProtocols(b *bench) error {
	name, err := b.topic("t", 6)
	if err != nil {
		return err
	}
	old := []consumer.Option{consumer.GroupProtocol(consumer.ClassicProtocol), consumer.Assignors(assign.CooperativeSticky())}
	var members []*member
	for range 2 {
		m, err := b.join(topics(name), old...)
		if err != nil {
			return err
		}
		members = append(members, m)
	}
	if err := b.until("two classic members share", has(6, members...)); err != nil {
		return err
	}
	for i := range 2 {
		m, err := b.join(topics(name), consumer.GroupProtocol(consumer.AutoProtocol))
		if err != nil {
			return err
		}
		if err := b.until("with one more by the consumer protocol", has(6, append(slices.Clone(members), m)...)); err != nil {
			return err
		}
		if err := members[i].close(); err != nil {
			return err
		}
		members[i] = m
		if err := b.until("with one less by the classic protocol", has(6, members...)); err != nil {
			return err
		}
	}
	groups, err := b.adm.DescribeConsumerGroups(b.ctx, b.name)
	if err != nil {
		return err
	}
	if g := groups[b.name]; g.Err != nil || len(g.Members) != 2 {
		return fmt.Errorf("the group has %d members by the consumer protocol: %w", len(g.Members), g.Err)
	}
	back, err := b.join(topics(name), old...)
	if err != nil {
		return err
	}
	if err := b.until("with a classic member again", has(6, append(slices.Clone(members), back)...)); err != nil {
		return err
	}
	if err := b.write(name, 6, 50); err != nil {
		return err
	}
	return b.until("all records", func() bool { return members[0].took(name)+members[1].took(name)+back.took(name) == 300 })
}

// safeDowngrade is UpdateFeatures' word for one that loses nothing.
const safeDowngrade = 2

// featureOff: Apache Kafka lists the request even if group.version is 0, and refuses it. Auto goes on with the classic
// protocol, whatever it had joined by; who wants the consumer protocol is told.
func featureOff(b *bench) error {
	name, err := b.topic("t", 2)
	if err != nil {
		return err
	}
	running, err := b.join(topics(name), consumer.GroupProtocol(consumer.AutoProtocol))
	if err != nil {
		return err
	}
	if err := b.until("two partitions", has(2, running)); err != nil {
		return err
	}
	updated, err := b.adm.UpdateFeatures(b.ctx, false, kadm.FeatureUpdate{Feature: "group.version", MaxVersionLevel: 0, UpgradeType: safeDowngrade})
	if err == nil {
		err = updated.Error()
	}
	if err != nil {
		return fmt.Errorf("group.version: %w", err)
	}
	wants, err := b.join(topics(name), consumer.Group(b.name+"-2"))
	if err != nil {
		return err
	}
	if err := b.until("the consumer protocol is refused", func() bool { return wants.lastError() != nil }); err != nil {
		return err
	}
	if err := refusedWith(wants.lastError(), kerr.UnsupportedVersion, "group.version"); err != nil {
		return err
	}
	fresh, err := b.join(topics(name), consumer.GroupProtocol(consumer.AutoProtocol), consumer.Group(b.name+"-3"))
	if err != nil {
		return err
	}
	if err := b.until("auto is classic", func() bool { return fresh.turned() && has(2, fresh)() }); err != nil {
		return err
	}
	return b.until("who had joined by the consumer protocol is classic", func() bool { return running.turned() && has(2, running)() })
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
	offsets, err := b.adm.FetchOffsets(b.ctx, b.name)
	if err != nil {
		return err
	}
	for p := range int32(partitions) {
		if o, ok := offsets.Lookup(name, p); !ok || o.At < 100 {
			return fmt.Errorf("partition %d is committed at %d of 100 at least", p, o.At)
		}
	}
	if now := len(first.told()) + len(second.told()); now != told || first.c.GroupMetadata().Generation != epoch {
		return fmt.Errorf("the members were told of %d changes by it, and the first is in epoch %d after %d", now-told, first.c.GroupMetadata().Generation, epoch)
	}
	return nil
}
