package main

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// probeVersions asks what is served, and for versions that nobody has.
func probeVersions(s *session) {
	each(0, 4, func(v int16) {
		req := kmsg.NewPtrApiVersionsRequest()
		req.ClientSoftwareName, req.ClientSoftwareVersion = "oracle", "1"
		resp, _ := s.quiet(v, req).(*kmsg.ApiVersionsResponse)
		s.say(fmt.Sprintf("answered/v%d", v), answered(resp))
		if v == 4 && resp != nil {
			for _, key := range resp.ApiKeys {
				if tierOne[key.ApiKey] {
					s.say("range of "+kmsg.NameForKey(key.ApiKey), text(key))
				}
			}
		}
	})
	bad := kmsg.NewPtrApiVersionsRequest()
	bad.ClientSoftwareName, bad.ClientSoftwareVersion = "not a name!", ""
	s.ask("bad software name", 3, bad)
	s.quiet(0, kmsg.NewPtrApiVersionsRequest())
	s.unknownVersion()
}

func answered(resp *kmsg.ApiVersionsResponse) string {
	if resp == nil {
		return "nothing"
	}
	return text(resp.ErrorCode)
}

// unknownVersion asks ApiVersions 99: the answer has to be in version 0.
func (s *session) unknownVersion() {
	req := kmsg.NewPtrApiVersionsRequest()
	s.next++
	req.SetVersion(3) // a newer version has this header too
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("oracle")).AppendRequest(nil, req, s.next)
	frame[7] = 99 // size:4 key:2 version:2
	if _, err := s.conn.Write(frame); err != nil {
		s.say("version 99", "connection closed")
		return
	}
	body, err := s.frame()
	if err != nil {
		s.say("version 99", err.Error())
		return
	}
	resp := kmsg.NewPtrApiVersionsResponse()
	if err := resp.ReadFrom(body[4:]); err != nil {
		s.say("version 99", "cannot be read as version 0: "+err.Error())
		return
	}
	for _, key := range resp.ApiKeys {
		if key.ApiKey == 18 {
			s.say("version 99", text([]any{resp.ErrorCode, key.MinVersion, key.MaxVersion}))
		}
	}
}

// tierOne are the keys of which the advertised ranges are compared.
var tierOne = map[int16]bool{0: true, 1: true, 2: true, 3: true, 8: true, 9: true, 10: true, 11: true, 12: true, 13: true, 14: true,
	15: true, 16: true, 18: true, 19: true, 20: true, 21: true, 22: true, 23: true, 32: true, 33: true, 35: true, 37: true, 42: true, 43: true,
	44: true, 47: true, 60: true, 61: true, 74: true, 75: true}

func probeMetadata(s *session) {
	s.topic("metadata-a", 2, nil)
	each(0, 13, func(v int16) {
		s.ask("one topic", v, metadata("metadata-a"))
		s.ask("impossible name", v, metadata("not/a/topic"))
		s.ask("empty name", v, metadata(""))
		if v >= 4 { // before, an unknown topic is created
			req := metadata("metadata-unknown")
			req.AllowAutoTopicCreation = false
			s.ask("unknown topic", v, req)
		}
	})
	each(8, 13, func(v int16) {
		req := metadata("metadata-a")
		req.IncludeTopicAuthorizedOperations, req.IncludeClusterAuthorizedOperations = true, true
		s.ask("authorized operations", v, req)
	})
	s.ask("created by asking", 4, metadata("metadata-created"))
	s.topicReady("metadata-created")
	s.ask("after it was created", 4, metadata("metadata-created"))
	s.metadataByID()
}

func metadata(topic string) *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = true
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, t)
	return req
}

// topicReady waits for a topic that creates itself, with two partitions.
func (s *session) topicReady(name string) {
	for range 100 {
		if s.ready(name, 2) {
			return
		}
		pause()
	}
}

func (s *session) metadataByID() {
	each(10, 13, func(v int16) {
		req := kmsg.NewPtrMetadataRequest()
		t := kmsg.NewMetadataRequestTopic()
		t.TopicID = s.topicID("metadata-a")
		req.Topics = append(req.Topics, t)
		s.ask("by id", v, req)
		unknown := kmsg.NewPtrMetadataRequest()
		t.TopicID = [16]byte{1, 2, 3}
		unknown.Topics = append(unknown.Topics, t)
		s.ask("by unknown id", v, unknown)
	})
}

func probeCluster(s *session) {
	each(0, 2, func(v int16) {
		req := kmsg.NewPtrDescribeClusterRequest()
		req.IncludeClusterAuthorizedOperations = true
		s.ask("describe", v, req)
		if v >= 1 {
			req.EndpointType = 2
			s.ask("controllers", v, req)
			req.EndpointType = 9
			s.ask("endpoint type 9", v, req)
		}
	})
	s.topic("cluster-a", 3, nil)
	for _, name := range []string{"cluster-a", "cluster-unknown"} {
		req := kmsg.NewPtrDescribeTopicPartitionsRequest()
		t := kmsg.NewDescribeTopicPartitionsRequestTopic()
		t.Topic = name
		req.Topics = append(req.Topics, t)
		s.ask("partitions of "+name, 0, req)
		req.ResponsePartitionLimit = 2
		s.ask("at most two partitions of "+name, 0, req)
	}
	s.elsewhere()
}

// elsewhere asks what a single node has to answer sensibly.
func (s *session) elsewhere() {
	each(1, 4, func(v int16) {
		req := kmsg.NewPtrDescribeLogDirsRequest()
		t := kmsg.NewDescribeLogDirsRequestTopic()
		t.Topic, t.Partitions = "cluster-a", []int32{0}
		req.Topics = append(req.Topics, t)
		s.ask("log dirs", v, req)
	})
	producers := kmsg.NewPtrDescribeProducersRequest()
	p := kmsg.NewDescribeProducersRequestTopic()
	p.Topic, p.Partitions = "cluster-a", []int32{0, 9}
	producers.Topics = append(producers.Topics, p)
	s.ask("producers", 0, producers)
	each(0, 2, func(v int16) {
		req := kmsg.NewPtrElectLeadersRequest()
		t := kmsg.NewElectLeadersRequestTopic()
		t.Topic, t.Partitions = "cluster-a", []int32{0}
		req.Topics = append(req.Topics, t)
		s.ask("elect leaders", v, req)
	})
}
