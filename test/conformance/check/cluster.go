package check

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const offsetsTopic = "__consumer_offsets"

// bootstrap is the address for what any broker answers.
func (p *probe) bootstrap() string { return p.suite.options.Bootstrap }

// metadata asks for some topics by name, without making them.
func (p *probe) metadata(topics ...string) *kmsg.MetadataResponse {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	for _, name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	req.AllowAutoTopicCreation = false
	return ask[*kmsg.MetadataResponse](p, p.bootstrap(), p.upTo(3, 12), req)
}

// address is where a node listens.
func (p *probe) address(node int32) string {
	for _, b := range p.suite.brokers {
		if b.NodeID == node {
			return net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
		}
	}
	p.miss("node %d is not in Metadata", node)
	return ""
}

// leader is the address of a partition's leader.
func (p *probe) leader(topic string, partition int32) string {
	for _, t := range p.metadata(topic).Topics {
		for _, one := range t.Partitions {
			if one.Partition == partition {
				return p.address(one.Leader)
			}
		}
	}
	p.miss("%s-%d has no leader", topic, partition)
	return ""
}

// topic makes a topic and waits until its partitions have leaders.
func (p *probe) topic(partitions int32) string {
	name := p.name()
	p.topicNamed(name, partitions)
	return name
}

func (p *probe) topicNamed(name string, partitions int32) {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, 1
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 20000
	req.Topics = append(req.Topics, t)
	p.mu.Lock()
	p.topics = append(p.topics, name)
	p.mu.Unlock()
	p.await("topic "+name, func() bool {
		r := ask[*kmsg.CreateTopicsResponse](p, p.bootstrap(), p.upTo(19, 5), req)
		code := r.Topics[0].ErrorCode
		if code == kerr.TopicAlreadyExists.Code {
			return true
		}
		if code != kerr.InvalidReplicationFactor.Code { // brokers have not registered yet
			p.code("CreateTopics", code)
		}
		return code == 0
	})
	p.await("leaders of "+name, func() bool {
		m := p.metadata(name)
		return len(m.Topics) == 1 && m.Topics[0].ErrorCode == 0 && len(m.Topics[0].Partitions) == int(partitions) &&
			m.Topics[0].Partitions[0].Leader >= 0
	})
}

// dropTopic deletes a topic and waits until Metadata does not know it.
func (p *probe) dropTopic(name string) {
	p.askToDropTopic(name)
	p.await("deletion of "+name, func() bool {
		return p.metadata(name).Topics[0].ErrorCode == kerr.UnknownTopicOrPartition.Code
	})
}

func (p *probe) askToDropTopic(name string) {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = 20000
	req.TopicNames = []string{name}
	ask[*kmsg.DeleteTopicsResponse](p, p.bootstrap(), p.upTo(20, 5), req)
}

func (p *probe) topicID(name string) [16]byte {
	return p.metadata(name).Topics[0].TopicID
}

// configs asks for the configuration of a broker or topic.
func (p *probe) configs(kind kmsg.ConfigResourceType, name string) []kmsg.DescribeConfigsResponseResourceConfig {
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kind, name
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Resources = append(req.Resources, resource)
	r := ask[*kmsg.DescribeConfigsResponse](p, p.bootstrap(), p.upTo(32, 3), req)
	p.holds(len(r.Resources) == 1, "DescribeConfigs of one resource: %d in the answer", len(r.Resources))
	p.code("DescribeConfigs of "+name, r.Resources[0].ErrorCode)
	return r.Resources[0].Configs
}

// place is what FindCoordinator says of a key.
type place struct {
	code int16
	node int32
	addr string
	host string
	port int32
}

// find asks any broker for the coordinator of one group, in any version.
func (p *probe) find(version int16, kind int8, key string) place {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorType, req.CoordinatorKey, req.CoordinatorKeys = kind, key, []string{key}
	r := ask[*kmsg.FindCoordinatorResponse](p, p.bootstrap(), version, req)
	if version < 4 {
		return place{r.ErrorCode, r.NodeID, net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port))), r.Host, r.Port}
	}
	p.holds(len(r.Coordinators) == 1, "FindCoordinator v%d of one key: %d entries", version, len(r.Coordinators))
	c := r.Coordinators[0]
	p.equal(fmt.Sprintf("key in FindCoordinator v%d", version), c.Key, key)
	return place{c.ErrorCode, c.NodeID, net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))), c.Host, c.Port}
}

// coordinator is the address of a group's coordinator, which answers: it is there and has loaded its partition.
func (p *probe) coordinator(group string) string {
	var addr string
	p.awaitFor("coordinator of "+group, time.Minute, func() bool {
		found := p.find(p.upTo(10, 4), 0, group)
		if found.code != 0 {
			p.code("FindCoordinator", found.code, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress)
			return false
		}
		addr = found.addr
		req := kmsg.NewPtrOffsetFetchRequest()
		req.Group = group
		r := ask[*kmsg.OffsetFetchResponse](p, addr, p.upTo(9, 5), req)
		if r.ErrorCode != 0 {
			p.code("OffsetFetch", r.ErrorCode, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator)
		}
		return r.ErrorCode == 0
	})
	return addr
}

// askFirstCoordinator is for F2: whether __consumer_offsets is there can be asked only once in a cluster's life.
func (s *Suite) askFirstCoordinator(p *probe) {
	if p.metadata(offsetsTopic).Topics[0].ErrorCode == kerr.UnknownTopicOrPartition.Code {
		s.first = firstCoordinator{asked: true, code: p.find(p.upTo(10, 4), 0, s.prefix).code}
	}
}
