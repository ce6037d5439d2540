package controller

import (
	"strings"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

func (s *scenario) createEvent(a arguments) Event {
	e := &CreateTopics{Token: s.token, Start: uint32(a.int("start", 0)), Request: protocol.NewCreateTopicsRequest()}
	e.Request.ValidateOnly = a.has("validate")
	for _, f := range a.lines() {
		t := protocol.CreateTopicsRequestCreatableTopic{
			Name: f.text("topic"), NumPartitions: int32(f.int("partitions", -1)), ReplicationFactor: int16(f.int("rf", -1)),
		}
		if v, ok := f.get("assign"); ok {
			for i, ids := range numbers(v) {
				t.Assignments = append(t.Assignments, protocol.CreateTopicsRequestCreatableReplicaAssignment{
					PartitionIndex: int32(i), BrokerIDs: ids,
				})
			}
		}
		if v, ok := f.get("index"); ok {
			for i, index := range numbers(v)[0] {
				t.Assignments[i].PartitionIndex = index
			}
		}
		for _, x := range f {
			if name, ok := strings.CutPrefix(x.key, "set:"); ok {
				t.Configs = append(t.Configs, protocol.CreateTopicsRequestCreatableTopicConfig{Name: name, Value: nullable(x.value)})
			}
		}
		e.Request.Topics = append(e.Request.Topics, t)
		e.TopicIDs = append(e.TopicIDs, s.id())
	}
	return e
}

func nullable(v string) *string {
	if v == "NULL" {
		return nil
	}
	return &v
}

func (s *scenario) deleteEvent(a arguments) Event {
	e := &DeleteTopics{Token: s.token, Version: int16(a.int("version", 6)), Request: protocol.NewDeleteTopicsRequest()}
	for _, f := range a.lines() {
		if e.Version < 6 {
			e.Request.TopicNames = append(e.Request.TopicNames, f.text("topic"))
			continue
		}
		var t protocol.DeleteTopicsRequestDeleteTopicState
		if v, ok := f.get("topic"); ok {
			t.Name = &v
		}
		t.TopicID[15] = byte(f.int("id", 0))
		e.Request.Topics = append(e.Request.Topics, t)
	}
	return e
}

func (s *scenario) partitionsEvent(a arguments) Event {
	e := &CreatePartitions{Token: s.token, Start: uint32(a.int("start", 0)), Request: protocol.NewCreatePartitionsRequest()}
	e.Request.ValidateOnly = a.has("validate")
	for _, f := range a.lines() {
		t := protocol.CreatePartitionsRequestTopic{Name: f.text("topic"), Count: int32(f.int("count", 0))}
		if v, ok := f.get("assign"); ok {
			for _, ids := range numbers(v) {
				t.Assignments = append(t.Assignments, protocol.CreatePartitionsRequestAssignment{BrokerIDs: ids})
			}
		}
		e.Request.Topics = append(e.Request.Topics, t)
	}
	return e
}

var kinds = map[string]metadata.ResourceType{
	"topic": metadata.TopicResource, "broker": metadata.BrokerResource, "group": metadata.GroupResource,
	"logger": metadata.BrokerLoggerResource, "nonsense": 99,
}

var operations = map[string]int8{"set": opSet, "delete": opDelete, "append": opAppend, "subtract": opSubtract, "nonsense": 9}

// A line is "topic=t set:name=value delete:name append:name=value".
func (s *scenario) alterEvent(a arguments) Event {
	e := &IncrementalAlterConfigs{Token: s.token, Request: protocol.NewIncrementalAlterConfigsRequest()}
	e.Request.ValidateOnly = a.has("validate")
	for _, f := range a.lines() {
		r := protocol.IncrementalAlterConfigsRequestAlterConfigsResource{
			ResourceType: int8(kinds[f[0].key]), ResourceName: f[0].value,
		}
		for _, x := range f[1:] {
			op, name, _ := strings.Cut(x.key, ":")
			r.Configs = append(r.Configs, protocol.IncrementalAlterConfigsRequestAlterableConfig{
				Name: name, ConfigOperation: operations[op], Value: nullable(x.value),
			})
		}
		e.Request.Resources = append(e.Request.Resources, r)
	}
	return e
}

// A line is "topic=t name=value name=value".
func (s *scenario) replaceEvent(a arguments) Event {
	e := &AlterConfigs{Token: s.token, Request: protocol.NewAlterConfigsRequest()}
	e.Request.ValidateOnly = a.has("validate")
	for _, f := range a.lines() {
		r := protocol.AlterConfigsRequestResource{ResourceType: int8(kinds[f[0].key]), ResourceName: f[0].value}
		for _, x := range f[1:] {
			r.Configs = append(r.Configs, protocol.AlterConfigsRequestAlterableConfig{Name: x.key, Value: nullable(x.value)})
		}
		e.Request.Resources = append(e.Request.Resources, r)
	}
	return e
}

func (s *scenario) electEvent(a arguments) Event {
	e := &ElectLeaders{Token: s.token, Request: protocol.NewElectLeadersRequest()}
	e.Request.ElectionType = int8(a.int("type", 0))
	if a.has("all") {
		e.Request.TopicPartitions = nil
	}
	for _, f := range a.lines() {
		e.Request.TopicPartitions = append(e.Request.TopicPartitions, protocol.ElectLeadersRequestTopicPartitions{
			Topic: f.text("topic"), Partitions: numbers(f.text("partitions"))[0],
		})
	}
	return e
}

func (s *scenario) registerEvent(a arguments) Event {
	e := &RegisterBroker{Token: s.token, Local: a.has("local"), Request: protocol.NewBrokerRegistrationRequest()}
	e.Request.BrokerID, e.Request.ClusterID = int32(a.int("broker", 1)), "cluster"
	if a.has("other-cluster") {
		e.Request.ClusterID = "other"
	}
	e.Request.IncarnationID[15] = byte(a.int("incarnation", 1))
	e.Request.Listeners = []protocol.BrokerRegistrationRequestListener{{Name: "PLAINTEXT", Host: "host", Port: 9092}}
	if rack := a.text("rack"); rack != "" {
		e.Request.Rack = &rack
	}
	e.Request.LogDirs = directories(a.int("dir", 0))
	e.Request.PreviousBrokerEpoch = int64(a.int("previous", -1))
	if a.has("volatile") {
		e.Request.Features = []protocol.BrokerRegistrationRequestFeature{{Name: metadata.VolatileFeature, MaxSupportedVersion: 1}}
	}
	return e
}
