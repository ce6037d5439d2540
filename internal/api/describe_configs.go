package api

import (
	"maps"
	"slices"
	"strconv"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
)

// DescribeConfigs (32), versions 1 to 4: every known name of a resource with its value, where the value came from, and
// what else could have decided it (KIP-226); from 3 on type and documentation (KIP-569). Every name is listed, set or
// not: clients that read, change and write back depend on it. A resource named twice is answered once.
func (n *Node) describeConfigs(c *Call) {
	request := c.Request.(*protocol.DescribeConfigsRequest)
	response := protocol.NewDescribeConfigsResponse()
	seen := map[metadata.Resource]bool{}
	left := configEntriesMax
	for i := range request.Resources {
		asked := &request.Resources[i]
		resource := metadata.Resource{Type: metadata.ResourceType(asked.ResourceType), Name: asked.ResourceName}
		if seen[resource] {
			continue
		}
		seen[resource] = true
		configs, err := n.describedConfigs(resource, asked.ConfigurationKeys, request, &left)
		result := protocol.DescribeConfigsResponseResult{ResourceType: asked.ResourceType, ResourceName: asked.ResourceName, Configs: configs}
		result.ErrorCode, result.ErrorMessage = n.failText(c, err)
		response.Results = append(response.Results, result)
	}
	c.Reply(response)
}

// configEntriesMax bounds one answer. A resource is named in a few bytes and described in some thousand, so that a
// request could ask for more than there is memory.
const configEntriesMax = 500_000

// describedConfigs describes one resource, if no more than left entries have to be looked at; keys is null for all.
func (n *Node) describedConfigs(resource metadata.Resource, keys []string, request *protocol.DescribeConfigsRequest, left *int) (
	[]protocol.DescribeConfigsResponseResourceResult, error) {
	described := []protocol.DescribeConfigsResponseResourceResult{}
	if *left <= 0 {
		return described, protocol.Fail(protocol.InvalidRequest,
			"the resources in front of it have %d configuration entries, as many as are looked at for one answer; ask for fewer at once", configEntriesMax)
	}
	entries, err := n.configEntries(resource)
	if err != nil {
		return described, err
	}
	*left -= len(entries)
	wanted := make(map[string]bool, len(keys))
	for _, key := range keys {
		wanted[key] = true
	}
	for i := range entries {
		if keys == nil || wanted[entries[i].Name] {
			described = append(described, describedConfig(&entries[i], request))
		}
	}
	return described, nil
}

// configEntries describes one resource.
func (n *Node) configEntries(resource metadata.Resource) ([]config.Entry, error) {
	image := n.Image()
	switch resource.Type {
	case metadata.TopicResource:
		if err := metadata.CheckTopicName(resource.Name); err != nil {
			return nil, protocol.Fail(protocol.InvalidTopicException, "%w", err)
		}
		if image.Topic(resource.Name) == nil {
			return nil, protocol.Fail(protocol.UnknownTopicOrPartition, "there is no topic %q", resource.Name)
		}
		return n.Config().DescribeTopic(partition.Overrides(image, resource.Name)), nil
	case metadata.BrokerResource:
		return n.brokerEntries(image, resource)
	case metadata.GroupResource:
		if resource.Name == "" {
			return nil, protocol.Fail(protocol.InvalidRequest, "the group's name is empty")
		}
		return n.Config().DescribeGroup(maps.Collect(image.Config(resource).All())), nil
	case metadata.BrokerLoggerResource, metadata.ClientMetricsResource:
		return []config.Entry{}, nil // there are none
	}
	return nil, protocol.Fail(protocol.InvalidRequest, "resource type %d is not known", resource.Type)
}

func (n *Node) brokerEntries(image *metadata.Image, resource metadata.Resource) ([]config.Entry, error) {
	entries := n.Config().Describe()
	if resource.Name == "" { // the default of all brokers: only what was set for it
		set := image.Config(resource)
		entries = slices.DeleteFunc(entries, func(e config.Entry) bool {
			_, ok := set.Get(e.Name)
			return !ok
		})
		return entries, nil
	}
	id, err := strconv.ParseInt(resource.Name, 10, 32)
	if err != nil || metadata.NodeID(id) != n.Self {
		return nil, protocol.Fail(protocol.InvalidRequest, "broker %q cannot be described here: this is node %d", resource.Name, n.Self)
	}
	return entries, nil
}

func describedConfig(e *config.Entry, request *protocol.DescribeConfigsRequest) protocol.DescribeConfigsResponseResourceResult {
	described := protocol.NewDescribeConfigsResponseResourceResult()
	described.Name, described.Value = e.Name, e.Value
	described.ReadOnly, described.IsSensitive = e.ReadOnly, e.Sensitive
	described.ConfigSource, described.ConfigType = int8(e.Source), int8(e.Type)
	if request.IncludeDocumentation {
		described.Documentation = &e.Doc
	}
	described.Synonyms = []protocol.DescribeConfigsResponseSynonym{}
	if request.IncludeSynonyms {
		for _, s := range e.Synonyms {
			described.Synonyms = append(described.Synonyms, protocol.DescribeConfigsResponseSynonym{Name: s.Name, Value: s.Value, Source: int8(s.Source)})
		}
	}
	return described
}
