package api

import (
	"maps"
	"strconv"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// Rules tells the controller which names resources may configure (controller.ConfigRules). Self is this node's id, and
// Static the broker's configuration as it was at start, so that the rules give the same answer always.
type Rules struct {
	Self   metadata.NodeID
	Static *config.Broker
}

func registryOf(kind metadata.ResourceType) *config.Registry {
	switch kind {
	case metadata.TopicResource:
		return config.TopicProperties
	case metadata.BrokerResource:
		return config.BrokerProperties
	case metadata.GroupResource:
		return config.GroupProperties
	}
	return nil
}

// Check says whether a resource may have a configuration as a whole.
func (r Rules) Check(resource metadata.Resource, set *metadata.ConfigSet) error {
	values := maps.Collect(set.All())
	var err error
	switch resource.Type {
	case metadata.TopicResource:
		err = r.Static.ValidateTopic(values)
	case metadata.BrokerResource:
		if resource.Name != "" {
			if _, bad := strconv.ParseInt(resource.Name, 10, 32); bad != nil {
				return protocol.Fail(protocol.InvalidRequest, "broker %q is not a node id", resource.Name)
			}
		}
		err = config.ValidateDynamic(values, resource.Name != "")
	case metadata.GroupResource:
		if len(resource.Name) > resourceNameMax {
			return protocol.Fail(protocol.InvalidRequest, "the group's name has %d bytes; one with a configuration has at most %d", len(resource.Name), resourceNameMax)
		}
		err = config.ValidateGroup(values)
	default:
		return protocol.Fail(protocol.InvalidRequest, "resources of type %s have no configuration here", resource.Type)
	}
	if err != nil {
		return protocol.Fail(protocol.InvalidConfig, "%w", err)
	}
	return nil
}

// List says whether the value of a name is a list.
func (r Rules) List(kind metadata.ResourceType, name string) bool {
	registry := registryOf(kind)
	if registry == nil {
		return false
	}
	p, ok := registry.Lookup(name)
	return ok && p.Type == config.List
}

// Default is the value of a name that is not set: for a topic what the broker's configuration gives.
func (r Rules) Default(kind metadata.ResourceType, name string) (string, bool) {
	switch kind {
	case metadata.TopicResource:
		for _, e := range r.Static.DescribeTopic(nil) {
			if e.Name == name && e.Value != nil {
				return *e.Value, true
			}
		}
	case metadata.BrokerResource:
		return r.Static.Value(name)
	case metadata.GroupResource:
		for _, e := range r.Static.DescribeGroup(nil) {
			if e.Name == name && e.Value != nil {
				return *e.Value, true
			}
		}
	}
	return "", false
}

// Describe is what CreateTopics tells of a new topic's configuration.
func (r Rules) Describe(_ *metadata.Image, topic *metadata.ConfigSet) []protocol.CreateTopicsResponseCreatableTopicConfigs {
	entries := r.Static.DescribeTopic(maps.Collect(topic.All()))
	configs := make([]protocol.CreateTopicsResponseCreatableTopicConfigs, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		configs = append(configs, protocol.CreateTopicsResponseCreatableTopicConfigs{Name: e.Name, Value: e.Value,
			ReadOnly: e.ReadOnly, ConfigSource: int8(e.Source), IsSensitive: e.Sensitive})
	}
	return configs
}
