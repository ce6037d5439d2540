package controller

import (
	"fmt"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

func (s *scenario) print(e *Effects) string {
	var b strings.Builder
	for _, p := range e.Proposals {
		fmt.Fprintf(&b, "propose #%d\n", p.Sequence)
		for _, r := range p.Records {
			fmt.Fprintf(&b, "  %s\n", recordLine(r))
		}
	}
	for _, r := range e.Replies {
		if r.Err != nil {
			fmt.Fprintf(&b, "reply %d %v\n", r.Token, r.Err)
			continue
		}
		fmt.Fprintf(&b, "reply %d\n", r.Token)
		for _, line := range responseLines(r.Response) {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	for _, t := range e.Timers {
		name := fmt.Sprintf("broker %d", t.Broker)
		if t.Kind == BalanceTimer {
			name = "balance"
		}
		if t.At.IsZero() {
			fmt.Fprintf(&b, "timer of %s cancelled\n", name)
		} else {
			fmt.Fprintf(&b, "timer of %s at %s\n", name, t.At.Sub(time.Unix(0, 0)))
		}
	}
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}

func recordLine(r metadata.Record) string {
	switch r := r.(type) {
	case *protocol.TopicRecord:
		return fmt.Sprintf("topic %s id=%s", r.Name, shortID(r.TopicID))
	case *protocol.RemoveTopicRecord:
		return fmt.Sprintf("remove topic id=%s", shortID(r.TopicID))
	case *protocol.PartitionRecord:
		return fmt.Sprintf("partition %s/%d leader=%d replicas=%v isr=%v", shortID(r.TopicID), r.PartitionID, r.Leader, r.Replicas, r.Isr)
	case *protocol.PartitionChangeRecord:
		line := fmt.Sprintf("change %s/%d", shortID(r.TopicID), r.PartitionID)
		if r.Leader != -2 {
			line += fmt.Sprintf(" leader=%d", r.Leader)
		}
		if r.Isr != nil {
			line += fmt.Sprintf(" isr=%v", r.Isr)
		}
		for _, f := range []struct {
			name string
			ids  []int32
		}{
			{"replicas", r.Replicas}, {"adding", r.AddingReplicas}, {"removing", r.RemovingReplicas},
			{"elr", r.EligibleLeaderReplicas}, {"last-known", r.LastKnownElr},
		} {
			if f.ids != nil {
				line += fmt.Sprintf(" %s=%v", f.name, f.ids)
			}
		}
		if r.LeaderRecoveryState != -1 {
			line += fmt.Sprintf(" recovery=%d", r.LeaderRecoveryState)
		}
		return line
	case *protocol.ConfigRecord:
		value := "(removed)"
		if r.Value != nil {
			value = *r.Value
		}
		return fmt.Sprintf("config %v %q %s=%s", metadata.ResourceType(r.ResourceType), r.ResourceName, r.Name, value)
	case *protocol.RegisterBrokerRecord:
		return fmt.Sprintf("register broker %d epoch=%d incarnation=%s fenced=%t", r.BrokerID, r.BrokerEpoch, shortID(r.IncarnationID), r.Fenced)
	case *protocol.BrokerRegistrationChangeRecord:
		return fmt.Sprintf("change broker %d epoch=%d fenced=%+d shutdown=%+d", r.BrokerID, r.BrokerEpoch, r.Fenced, r.InControlledShutdown)
	case *protocol.UnregisterBrokerRecord:
		return fmt.Sprintf("unregister broker %d epoch=%d", r.BrokerID, r.BrokerEpoch)
	case *protocol.ProducerIDsRecord:
		return fmt.Sprintf("next producer id %d", r.NextProducerID)
	case *protocol.FeatureLevelRecord:
		return fmt.Sprintf("feature %s=%d", r.Name, r.FeatureLevel)
	}
	return fmt.Sprintf("%T", r)
}

// rarer is what most partitions do not have.
func rarer(p *metadata.Partition) string {
	line := ""
	for _, f := range []struct {
		name  string
		nodes []metadata.NodeID
	}{{"adding", p.Adding}, {"removing", p.Removing}, {"elr", p.ELR}, {"last-known", p.LastKnownELR}} {
		if len(f.nodes) > 0 {
			line += fmt.Sprintf(" %s=%v", f.name, f.nodes)
		}
	}
	if p.Recovering {
		line += " recovering"
	}
	return line
}

func outcome(code protocol.Code, message *string) string {
	if message == nil {
		return code.String()
	}
	return code.String() + ": " + *message
}

func responseLines(m protocol.Message) (lines []string) {
	line := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	switch m := m.(type) {
	case *protocol.CreateTopicsResponse:
		for _, t := range m.Topics {
			if t.ErrorCode != protocol.None {
				line("%s %s partitions=%d rf=%d", t.Name, outcome(t.ErrorCode, t.ErrorMessage), t.NumPartitions, t.ReplicationFactor)
				continue
			}
			var configs []string
			for _, c := range t.Configs {
				configs = append(configs, c.Name+"="+*c.Value)
			}
			line("%s NONE id=%s partitions=%d rf=%d configs=%v", t.Name, shortID(t.TopicID), t.NumPartitions, t.ReplicationFactor, configs)
		}
	case *protocol.DeleteTopicsResponse:
		for _, t := range m.Responses {
			name := "(no name)"
			if t.Name != nil {
				name = *t.Name
			}
			line("%s id=%s %s", name, shortID(t.TopicID), outcome(t.ErrorCode, t.ErrorMessage))
		}
	case *protocol.CreatePartitionsResponse:
		for _, t := range m.Results {
			line("%s %s", t.Name, outcome(t.ErrorCode, t.ErrorMessage))
		}
	case *protocol.IncrementalAlterConfigsResponse:
		for _, r := range m.Responses {
			line("%v %q %s", metadata.ResourceType(r.ResourceType), r.ResourceName, outcome(r.ErrorCode, r.ErrorMessage))
		}
	case *protocol.AlterConfigsResponse:
		for _, r := range m.Responses {
			line("%v %q %s", metadata.ResourceType(r.ResourceType), r.ResourceName, outcome(r.ErrorCode, r.ErrorMessage))
		}
	case *protocol.ElectLeadersResponse:
		for _, t := range m.ReplicaElectionResults {
			for _, p := range t.PartitionResult {
				line("%s-%d %s", t.Topic, p.PartitionID, outcome(p.ErrorCode, p.ErrorMessage))
			}
		}
	case *protocol.AllocateProducerIDsResponse:
		line("producer ids %d to %d", m.ProducerIDStart, m.ProducerIDStart+int64(m.ProducerIDLen)-1)
	case *protocol.BrokerRegistrationResponse:
		line("broker epoch %d", m.BrokerEpoch)
	case *protocol.BrokerHeartbeatResponse:
		line("caught up=%t fenced=%t shut down=%t", m.IsCaughtUp, m.IsFenced, m.ShouldShutDown)
	case *protocol.UnregisterBrokerResponse:
		line("unregistered")
	case *protocol.AlterPartitionResponse:
		for _, t := range m.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode != protocol.None {
					line("%s/%d %s", shortID(t.TopicID), p.PartitionIndex, p.ErrorCode)
					continue
				}
				line("%s/%d NONE leader=%d epoch=%d/%d isr=%v recovery=%d", shortID(t.TopicID), p.PartitionIndex,
					p.LeaderID, p.LeaderEpoch, p.PartitionEpoch, p.Isr, p.LeaderRecoveryState)
			}
		}
	case *protocol.AssignReplicasToDirsResponse:
		for _, d := range m.Directories {
			for _, t := range d.Topics {
				for _, p := range t.Partitions {
					line("%s/%d %s", shortID(t.TopicID), p.PartitionIndex, p.ErrorCode)
				}
			}
		}
	case *protocol.AlterPartitionReassignmentsResponse:
		for _, t := range m.Responses {
			for _, p := range t.Partitions {
				line("%s-%d %s", t.Name, p.PartitionIndex, outcome(p.ErrorCode, p.ErrorMessage))
			}
		}
	case *protocol.ListPartitionReassignmentsResponse:
		for _, t := range m.Topics {
			for _, p := range t.Partitions {
				line("%s-%d replicas=%v adding=%v removing=%v", t.Name, p.PartitionIndex, p.Replicas, p.AddingReplicas, p.RemovingReplicas)
			}
		}
	}
	return lines
}
