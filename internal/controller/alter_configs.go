package controller

import (
	"slices"
	"strconv"
	"strings"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// The operations of IncrementalAlterConfigs, in Kafka's numbers.
const (
	opSet      int8 = 0
	opDelete   int8 = 1
	opAppend   int8 = 2
	opSubtract int8 = 3
)

// alteration is one change of one name; a nil value removes the name.
type alteration struct {
	name      string
	operation int8
	value     *string
}

// incrementalAlterConfigs changes the names that a request holds and leaves the others. Each resource is changed as a
// whole or not at all.
func (c *Controller) incrementalAlterConfigs(e *IncrementalAlterConfigs) (protocol.Message, []metadata.Record, error) {
	response := protocol.NewIncrementalAlterConfigsResponse()
	var seen resources
	for _, r := range e.Request.Resources {
		seen.add(r.ResourceType, r.ResourceName)
	}
	var records []metadata.Record
	for i := range e.Request.Resources {
		r := &e.Request.Resources[i]
		var changes []alteration
		for _, a := range r.Configs {
			changes = append(changes, alteration{a.Name, a.ConfigOperation, a.Value})
		}
		resource := metadata.Resource{Type: metadata.ResourceType(r.ResourceType), Name: r.ResourceName}
		more, err := c.alter(resource, changes, false, seen)
		records = append(records, more...)
		result := protocol.NewIncrementalAlterConfigsResponseAlterConfigsResourceResponse()
		result.ResourceType, result.ResourceName = r.ResourceType, r.ResourceName
		result.ErrorCode, result.ErrorMessage = answer(err)
		response.Responses = append(response.Responses, result)
	}
	if e.Request.ValidateOnly {
		records = nil
	}
	return response, records, nil
}

// alterConfigs replaces the configuration of each resource: what the request does not name goes back to its default.
func (c *Controller) alterConfigs(e *AlterConfigs) (protocol.Message, []metadata.Record, error) {
	response := protocol.NewAlterConfigsResponse()
	var seen resources
	for _, r := range e.Request.Resources {
		seen.add(r.ResourceType, r.ResourceName)
	}
	var records []metadata.Record
	for i := range e.Request.Resources {
		r := &e.Request.Resources[i]
		var changes []alteration
		for _, a := range r.Configs {
			changes = append(changes, alteration{a.Name, opSet, a.Value})
		}
		resource := metadata.Resource{Type: metadata.ResourceType(r.ResourceType), Name: r.ResourceName}
		more, err := c.alter(resource, changes, true, seen)
		records = append(records, more...)
		result := protocol.NewAlterConfigsResponseResourceResponse()
		result.ResourceType, result.ResourceName = r.ResourceType, r.ResourceName
		result.ErrorCode, result.ErrorMessage = answer(err)
		response.Responses = append(response.Responses, result)
	}
	if e.Request.ValidateOnly {
		records = nil
	}
	return response, records, nil
}

// resources counts how often a request names each.
type resources map[metadata.Resource]int

func (s *resources) add(kind int8, name string) {
	if *s == nil {
		*s = make(resources)
	}
	(*s)[metadata.Resource{Type: metadata.ResourceType(kind), Name: name}]++
}

// alter finds the records that change one resource. replace removes what the changes do not name.
func (c *Controller) alter(resource metadata.Resource, changes []alteration, replace bool, seen resources) ([]metadata.Record, error) {
	if seen[resource] > 1 {
		return nil, protocol.Fail(protocol.InvalidRequest, "each resource must appear at most once")
	}
	if err := checkChanges(changes); err != nil {
		return nil, err
	}
	if err := c.checkResource(resource); err != nil {
		return nil, err
	}
	before := c.image.Config(resource)
	after := before
	if replace {
		after = nil
	}
	var records []metadata.Record
	for _, a := range changes {
		value, err := c.altered(resource, before, a)
		if err != nil {
			return nil, err
		}
		if value == nil {
			after = after.Without(a.name)
		} else {
			after = after.With(a.name, *value)
		}
		// A broker takes a record without a change as the word to read its files again (KAFKA-14136).
		if old, ok := before.Get(a.name); value == nil && ok || value != nil && (!ok || old != *value) ||
			resource.Type == metadata.BrokerResource {
			records = append(records, metadata.ConfigRecord(resource, a.name, value))
		}
	}
	if err := c.config.Rules.Check(resource, after); err != nil {
		return nil, err
	}
	if err := c.checkInSyncMin(resource, before, after); err != nil {
		return nil, err
	}
	return append(records, removals(resource, before, after, changes)...), nil
}

// removals are the records for names that a replacement left out.
func removals(resource metadata.Resource, before, after *metadata.ConfigSet, changes []alteration) []metadata.Record {
	var records []metadata.Record
	for name := range before.All() {
		named := slices.ContainsFunc(changes, func(a alteration) bool { return a.name == name })
		if _, kept := after.Get(name); !kept && !named {
			records = append(records, metadata.ConfigRecord(resource, name, nil))
		}
	}
	return records
}

func checkChanges(changes []alteration) error {
	names := make(map[string]struct{}, len(changes))
	var null []string
	for _, a := range changes {
		if _, twice := names[a.name]; twice {
			return protocol.Fail(protocol.InvalidRequest, "config name %s appears more than once", a.name)
		}
		names[a.name] = struct{}{}
		if a.operation < opSet || a.operation > opSubtract {
			return protocol.Fail(protocol.InvalidRequest, "unknown operation %d on config name %s", a.operation, a.name)
		}
		if a.operation != opDelete && a.value == nil {
			null = append(null, a.name)
		}
	}
	if null != nil {
		return protocol.Fail(protocol.InvalidRequest, "null value not supported for: %s", strings.Join(null, ", "))
	}
	return nil
}

// checkResource says whether a configuration may be kept for a resource: whether it can be one, and whether it is there.
func (c *Controller) checkResource(r metadata.Resource) error {
	switch r.Type {
	case metadata.TopicResource:
		if r.Name == "" {
			return protocol.Fail(protocol.InvalidRequest, "default topic resources are not allowed")
		}
		if err := metadata.CheckTopicName(r.Name); err != nil {
			return protocol.Fail(protocol.InvalidTopicException, "%w", err)
		}
		if c.image.Topic(r.Name) == nil {
			return protocol.Fail(protocol.UnknownTopicOrPartition, "there is no topic '%s'", r.Name)
		}
	case metadata.BrokerResource:
		return c.checkBrokerResource(r.Name)
	case metadata.GroupResource, metadata.ClientMetricsResource:
		if r.Name == "" {
			return protocol.Fail(protocol.InvalidRequest, "default %s resources are not allowed", strings.ToLower(r.Type.String()))
		}
	case metadata.BrokerLoggerResource:
		return protocol.Fail(protocol.InvalidRequest, "log levels are not part of the cluster's metadata")
	default:
		return protocol.Fail(protocol.InvalidRequest, "unknown resource type %d", r.Type)
	}
	return nil
}

func (c *Controller) checkBrokerResource(name string) error {
	if name == "" {
		return nil
	}
	id, err := strconv.ParseInt(name, 10, 32)
	if err != nil || id < 0 {
		return protocol.Fail(protocol.InvalidRequest, "broker name %q is not a node id", name)
	}
	if c.image.Broker(metadata.NodeID(id)) == nil {
		return protocol.Fail(protocol.BrokerIDNotRegistered, "broker %d is not registered", id)
	}
	return nil
}

// altered is the value that a name has after a change, nil for none.
func (c *Controller) altered(resource metadata.Resource, before *metadata.ConfigSet, a alteration) (*string, error) {
	switch a.operation {
	case opSet:
		return a.value, nil
	case opDelete:
		return nil, nil
	}
	if !c.config.Rules.List(resource.Type, a.name) {
		return nil, protocol.Fail(protocol.InvalidConfig, "can't append to or subtract from %s because its type is not LIST", a.name)
	}
	current, ok := before.Get(a.name)
	if !ok {
		current, _ = c.config.Rules.Default(resource.Type, a.name)
	}
	parts := listParts(current)
	for _, part := range strings.Split(*a.value, ",") {
		i := slices.Index(parts, part)
		switch {
		case a.operation == opAppend && i < 0:
			parts = append(parts, part)
		case a.operation == opSubtract && i >= 0:
			parts = slices.Delete(parts, i, i+1)
		}
	}
	value := strings.Join(parts, ",")
	return &value, nil
}

func listParts(value string) []string {
	var parts []string
	for part := range strings.SplitSeq(value, ",") {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
