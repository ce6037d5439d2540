package scenario

import (
	"context"
	"fmt"

	"github.com/skein-io/skein/test/interop/family"
)

// consumerProtocol is the value of group.protocol for KIP-848.
const consumerProtocol = "consumer"

// kafkaOnly is why scenarios of the consumer protocol are not run on skein.
const kafkaOnly = "skein's broker has no ConsumerGroupHeartbeat (KIP-848)"

// GroupNext is Group with members that speak the consumer protocol: the coordinator assigns, and each member goes over by
// itself.
var GroupNext = Scenario{
	Name:      "group-next",
	Applies:   ours,
	KafkaOnly: kafkaOnly,
	Run: func(ctx context.Context, env *Env, f *family.Family) (Notes, error) {
		return runTurnover(ctx, env, f, "group-next", kind{protocol: consumerProtocol}, []*family.Family{f, f, f})
	},
}

// MixedNext is the same with members of Java and librdkafka in the group, which speak it, too.
var MixedNext = Scenario{
	Name:      "mixed-next",
	Applies:   ours,
	KafkaOnly: kafkaOnly,
	Run: func(ctx context.Context, env *Env, f *family.Family) (Notes, error) {
		return runTurnover(ctx, env, f, "mixed-next", kind{protocol: consumerProtocol}, families(f.Name, "java-4.3.1", "confluent-python", f.Name))
	},
}

// KillNext is Kill with a group that speaks the consumer protocol.
var KillNext = Scenario{
	Name:      "kill-next",
	Applies:   ours,
	KafkaOnly: kafkaOnly,
	Run: func(ctx context.Context, env *Env, f *family.Family) (Notes, error) {
		found := kill(ctx, env, []*family.Family{f}, "kill-next", kind{protocol: consumerProtocol})[f.Name]
		return found.Notes, found.Err
	},
}

// owned asks the broker who has what in a group of the consumer protocol, by partition. It is not settled while a member
// has another assignment than it is to have.
func (t *turnover) owned(ctx context.Context) (settled bool, err error) {
	groups, err := t.env.adm.DescribeConsumerGroups(ctx, t.group)
	if err != nil {
		return false, fmt.Errorf("describe %s: %w", t.group, err)
	}
	g := groups[t.group]
	if g.Err != nil || g.State != "Stable" {
		return false, nil
	}
	t.owners = map[int32]string{}
	for _, m := range g.Members {
		for p := range m.Assignment[t.topic] {
			if other, taken := t.owners[p]; taken {
				return false, fmt.Errorf("partition %d has two owners in one epoch: %s and %s", p, other, m.MemberID)
			}
			t.owners[p] = m.MemberID
		}
	}
	return len(t.owners) == partitions, nil
}
