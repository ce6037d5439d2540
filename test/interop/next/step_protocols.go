package main

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
)

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
