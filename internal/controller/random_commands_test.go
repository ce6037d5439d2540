package controller

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/cockroachdb/datadriven"

	"github.com/skein-io/skein/internal/metadata"
)

// brokersMax is how many brokers there are in random histories.
const brokersMax = 5

func anyTopic(random *rand.Rand) string {
	return []string{"a", "b", "c.d", "c_d", "e", "__consumer_offsets"}[random.IntN(6)]
}

func someBrokers(random *rand.Rand, n int) string {
	ids := make([]string, n)
	for i, v := range random.Perm(brokersMax)[:n] {
		ids[i] = fmt.Sprint(1 + v)
	}
	return strings.Join(ids, ",")
}

// anyCommand is any request or event. Most make sense in the image that the controller has.
func anyCommand(random *rand.Rand, s *scenario) *datadriven.TestData {
	broker := 1 + random.IntN(brokersMax)
	epoch := 1
	if b := s.c.Image().Broker(metadata.NodeID(broker)); b != nil {
		epoch = int(b.Epoch) - random.IntN(12)/11
	}
	who := []string{fmt.Sprint("broker=", broker), fmt.Sprint("epoch=", epoch)}
	switch n := random.IntN(40); {
	case n < 3:
		return registerCommand(random, broker, epoch)
	case n < 6:
		return command("create", fmt.Sprintf("topic=%s partitions=%d rf=%d set:x=1\ntopic=%s assign=%s", anyTopic(random),
			random.IntN(5), random.IntN(4), anyTopic(random), someBrokers(random, 1+random.IntN(3))), fmt.Sprint("start=", random.IntN(9)))
	case n == 6:
		return adminCommand(random)
	case n < 9:
		return configCommand(random)
	case n == 13:
		return command("elect", "", "all", fmt.Sprint("type=", random.IntN(3)))
	case n == 14:
		return command("producer-ids", "", who...)
	case n == 15:
		return command("expire", "", who[0])
	case n == 16:
		return command("connection-lost", "", who...)
	case n == 30:
		return command("refused", "", who[0])
	case n == 17:
		return command("balance", "")
	case n == 18:
		return reassignCommand(random, anyTopic(random), random.IntN(3))
	case n == 19:
		return moveCommand(random, s)
	case n < 29 || n < 13:
		return alterCommand(random, s)
	case n == 29:
		if random.IntN(4) == 0 {
			return command("unregister", "", who[0])
		}
		return command("heartbeat", "", append(who, "offset=1000", []string{"fence", "shutdown", "x"}[random.IntN(3)])...)
	}
	return command("heartbeat", "", append(who, "offset=1000")...)
}

func registerCommand(random *rand.Rand, broker, epoch int) *datadriven.TestData {
	dir := broker
	if random.IntN(8) == 0 {
		dir += 10
	}
	args := []string{fmt.Sprint("broker=", broker), fmt.Sprint("incarnation=", random.IntN(4)), fmt.Sprint("dir=", dir),
		fmt.Sprint("previous=", epoch-random.IntN(2))}
	if broker == 1 {
		args = append(args, "local")
	}
	if random.IntN(3) == 0 {
		args = append(args, "volatile")
	}
	return command("register", "", args...)
}

func adminCommand(random *rand.Rand) *datadriven.TestData {
	switch random.IntN(5) {
	case 0:
		return command("delete", fmt.Sprintf("topic=%s\nid=%d", anyTopic(random), 1+random.IntN(20)))
	case 1, 2:
		return command("reassignments", "")
	}
	return command("add-partitions", fmt.Sprintf("topic=%s count=%d", anyTopic(random), random.IntN(9)))
}

func configCommand(random *rand.Rand) *datadriven.TestData {
	switch random.IntN(6) {
	case 0:
		return command("alter", fmt.Sprintf("topic=%s set:unclean.leader.election.enable=%t append:cleanup.policy=compact\nbroker= set:y=%d",
			anyTopic(random), random.IntN(3) == 0, random.IntN(3)))
	case 1:
		return command("alter", fmt.Sprintf("broker= set:min.insync.replicas=%d", 1+random.IntN(3)))
	case 2:
		return command("alter", fmt.Sprintf("broker=%d set:min.insync.replicas=2", 1+random.IntN(brokersMax)))
	case 3:
		return command("replace", fmt.Sprintf("topic=%s cleanup.policy=compact", anyTopic(random)))
	}
	return command("alter", fmt.Sprintf("topic=%s set:min.insync.replicas=%d", anyTopic(random), 1+random.IntN(3)))
}

// moveCommand is about a partition that is being moved, if there is one.
func moveCommand(random *rand.Rand, s *scenario) *datadriven.TestData {
	for t := range s.c.Image().Topics() {
		for p := range t.Partitions() {
			if p.Reassigning() && random.IntN(2) == 0 {
				return reassignCommand(random, t.Name, int(p.Index))
			}
		}
	}
	return reassignCommand(random, anyTopic(random), 0)
}

func reassignCommand(random *rand.Rand, topic string, partition int) *datadriven.TestData {
	target := "cancel"
	if random.IntN(3) > 0 {
		target = "replicas=" + someBrokers(random, 1+random.IntN(3))
	}
	args := []string{"x"}
	if random.IntN(4) == 0 {
		args[0] = "same-factor"
	}
	return command("reassign", fmt.Sprintf("topic=%s partition=%d %s", topic, partition, target), args...)
}

// alterCommand is a leader's wish for another ISR, mostly as a leader would have it that knows the present image, sometimes
// one that is late.
func alterCommand(random *rand.Rand, s *scenario) *datadriven.TestData {
	image := s.c.Image()
	if random.IntN(6) == 0 {
		image = s.image
	}
	late := func() int { return random.IntN(15) / 14 }
	var topics []*metadata.Topic
	for t := range image.Topics() {
		topics = append(topics, t)
	}
	if len(topics) == 0 {
		return command("balance", "")
	}
	t := topics[random.IntN(len(topics))]
	p := t.Partition(int32(random.IntN(t.Len())))
	epochOf := func(id metadata.NodeID) int {
		if b := image.Broker(id); b != nil {
			return int(b.Epoch)
		}
		return 1
	}
	var isr []string
	for _, r := range p.Replicas {
		switch {
		case r != p.Leader && (random.IntN(5) == 0 || !image.Broker(r).Active() && random.IntN(8) > 0):
		case random.IntN(5) == 0:
			isr = append(isr, fmt.Sprint(r))
		default:
			isr = append(isr, fmt.Sprintf("%d:%d", r, epochOf(r)-late()))
		}
	}
	if len(isr) == 0 {
		isr = []string{"1"}
	}
	recovery := 0
	if p.Recovering {
		recovery = random.IntN(2)
	}
	line := fmt.Sprintf("id=%s partition=%d leader-epoch=%d epoch=%d recovery=%d isr=%s", shortID(t.ID), p.Index,
		int(p.LeaderEpoch)-late(), int(p.Epoch)-late(), recovery, strings.Join(isr, ","))
	return command("alter-partition", line, fmt.Sprint("broker=", max(p.Leader, 1)), fmt.Sprint("epoch=", epochOf(p.Leader)-late()))
}
