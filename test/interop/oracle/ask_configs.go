package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	topicResource  = kmsg.ConfigResourceTypeTopic
	brokerResource = kmsg.ConfigResourceTypeBroker
)

// probeConfigs describes and changes configurations.
func probeConfigs(s *session) {
	s.topic("configs-a", 1, map[string]string{"retention.ms": "777"})
	each(1, 4, func(v int16) {
		s.describe("all of a topic", v, topicResource, "configs-a", nil)
		s.describe("two of a topic", v, topicResource, "configs-a", []string{"retention.ms", "cleanup.policy"})
		s.describe("an unknown one of a topic", v, topicResource, "configs-a", []string{"no.such.config"})
		s.describe("unknown topic", v, topicResource, "configs-unknown", nil)
		s.describe("impossible topic", v, topicResource, "a/b", nil)
		s.describe("unknown broker", v, brokerResource, "4711", nil)
		s.describe("a broker that is no number", v, brokerResource, "x", nil)
		s.describe("cluster default of brokers", v, brokerResource, "", []string{"log.retention.ms"})
	})
	each(0, 1, func(v int16) { s.incremental(v) })
	each(0, 2, func(v int16) { s.legacy(v) })
	each(0, 1, func(v int16) {
		s.resources(v)
	})
}

// resources keeps only what this probe made: other topics come and go.
func (s *session) resources(version int16) {
	resp, _ := s.quiet(version, kmsg.NewPtrListConfigResourcesRequest()).(*kmsg.ListConfigResourcesResponse)
	if resp == nil {
		return
	}
	found := []string{}
	for _, r := range resp.ConfigResources {
		if r.Type != 2 || strings.HasPrefix(r.Name, "configs-") {
			found = append(found, fmt.Sprintf("%d %s", r.Type, r.Name))
		}
	}
	slices.Sort(found)
	s.say(fmt.Sprintf("config resources/v%d", version), text([]any{resp.ErrorCode, found}))
}

// describe asks and keeps one line for each config, so that each can differ by
// itself.
func (s *session) describe(question string, version int16, kind kmsg.ConfigResourceType, name string, which []string) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.IncludeSynonyms, req.IncludeDocumentation = version >= 1, false
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.ConfigNames = kind, name, which
	req.Resources = append(req.Resources, r)
	resp, _ := s.quiet(version, req).(*kmsg.DescribeConfigsResponse)
	if resp == nil || len(resp.Resources) != 1 {
		s.say(fmt.Sprintf("%s/v%d", question, version), text(resp))
		return
	}
	s.say(fmt.Sprintf("%s/v%d", question, version), fmt.Sprintf("error %d", resp.Resources[0].ErrorCode))
	for _, c := range resp.Resources[0].Configs {
		if version == 4 || which != nil {
			c.Documentation = nil
			s.say(fmt.Sprintf("%s/%s/v%d", question, c.Name, version), text(c))
		}
	}
}

func change(topic string, config string, op kmsg.IncrementalAlterConfigOp, value *string) *kmsg.IncrementalAlterConfigsRequest {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = topicResource, topic
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	c.Name, c.Op, c.Value = config, op, value
	r.Configs = append(r.Configs, c)
	req.Resources = append(req.Resources, r)
	return req
}

func (s *session) incremental(v int16) {
	const set, remove, add, subtract = kmsg.IncrementalAlterConfigOpSet, kmsg.IncrementalAlterConfigOpDelete,
		kmsg.IncrementalAlterConfigOpAppend, kmsg.IncrementalAlterConfigOpSubtract
	value := kmsg.StringPtr
	for _, c := range []struct {
		name string
		req  *kmsg.IncrementalAlterConfigsRequest
	}{
		{"set", change("configs-a", "retention.ms", set, value("888"))},
		{"set a bad value", change("configs-a", "retention.ms", set, value("soon"))},
		{"set out of range", change("configs-a", "min.cleanable.dirty.ratio", set, value("1.5"))},
		{"set an unknown one", change("configs-a", "no.such.config", set, value("1"))},
		{"set null", change("configs-a", "retention.ms", set, nil)},
		{"append to a list", change("configs-a", "cleanup.policy", add, value("compact"))},
		{"append again", change("configs-a", "cleanup.policy", add, value("compact"))},
		{"append to no list", change("configs-a", "retention.ms", add, value("1"))},
		{"append null", change("configs-a", "cleanup.policy", add, nil)},
		{"subtract from a list", change("configs-a", "cleanup.policy", subtract, value("compact"))},
		{"subtract what is not there", change("configs-a", "cleanup.policy", subtract, value("compact"))},
		{"delete", change("configs-a", "cleanup.policy", remove, nil)},
		{"delete what is not set", change("configs-a", "segment.ms", remove, nil)},
		{"operation 9", change("configs-a", "retention.ms", 9, value("1"))},
		{"unknown topic", change("configs-unknown", "retention.ms", set, value("1"))},
	} {
		s.ask("incremental, "+c.name, v, c.req)
	}
	check := change("configs-a", "retention.ms", set, value("1"))
	check.ValidateOnly = true
	s.ask("incremental, validate only", v, check)
	twice := change("configs-a", "retention.ms", set, value("1"))
	twice.Resources[0].Configs = append(twice.Resources[0].Configs, twice.Resources[0].Configs[0])
	s.ask("incremental, the same config twice", v, twice)
	s.describe("after incremental", v+1, topicResource, "configs-a", []string{"retention.ms", "cleanup.policy"})
}

func (s *session) legacy(v int16) {
	ask := func(name, topic, config string, value *string, validate bool) {
		req := kmsg.NewPtrAlterConfigsRequest()
		req.ValidateOnly = validate
		r := kmsg.NewAlterConfigsRequestResource()
		r.ResourceType, r.ResourceName = topicResource, topic
		c := kmsg.NewAlterConfigsRequestResourceConfig()
		c.Name, c.Value = config, value
		r.Configs = append(r.Configs, c)
		req.Resources = append(req.Resources, r)
		s.ask("legacy, "+name, v, req)
	}
	value := kmsg.StringPtr
	ask("set", "configs-a", "retention.bytes", value("5000000"), false)
	s.describe("after legacy", v+1, topicResource, "configs-a", []string{"retention.ms", "retention.bytes"})
	ask("bad value", "configs-a", "retention.bytes", value("x"), false)
	ask("unknown config", "configs-a", "no.such.config", value("x"), false)
	ask("null", "configs-a", "retention.bytes", nil, false)
	ask("validate only", "configs-a", "retention.bytes", value("1"), true)
	ask("unknown topic", "configs-unknown", "retention.bytes", value("1"), false)
}
