package skeintest

import p "github.com/skein-io/skein/internal/protocol"

// answersWith makes, for each API that clients are offered, the answer to a request that says one error wherever it can.
var answersWith = map[p.Key]func(p.Message, p.Code) p.Message{
	p.KeyProduce:              produceWith,
	p.KeyFetch:                fetchWith,
	p.KeyListOffsets:          listOffsetsWith,
	p.KeyMetadata:             metadataWith,
	p.KeyOffsetCommit:         offsetCommitWith,
	p.KeyOffsetFetch:          offsetFetchWith,
	p.KeyFindCoordinator:      findCoordinatorWith,
	p.KeyLeaveGroup:           leaveGroupWith,
	p.KeyDescribeGroups:       describeGroupsWith,
	p.KeyCreateTopics:         createTopicsWith,
	p.KeyDeleteTopics:         deleteTopicsWith,
	p.KeyDeleteRecords:        deleteRecordsWith,
	p.KeyOffsetForLeaderEpoch: offsetForLeaderEpochWith,
	p.KeyDescribeConfigs:      describeConfigsWith,
	p.KeyAlterConfigs:         alterConfigsWith,

	p.KeyIncrementalAlterConfigs: incrementalAlterConfigsWith,
	p.KeyCreatePartitions:        createPartitionsWith,
	p.KeyDeleteGroups:            deleteGroupsWith,
	p.KeyDescribeProducers:       describeProducersWith,
	p.KeyDescribeTopicPartitions: describeTopicPartitionsWith,

	p.KeyJoinGroup:        whole(p.NewJoinGroupResponse, func(r *p.JoinGroupResponse) *p.Code { return &r.ErrorCode }),
	p.KeyHeartbeat:        whole(p.NewHeartbeatResponse, func(r *p.HeartbeatResponse) *p.Code { return &r.ErrorCode }),
	p.KeySyncGroup:        whole(p.NewSyncGroupResponse, func(r *p.SyncGroupResponse) *p.Code { return &r.ErrorCode }),
	p.KeyListGroups:       whole(p.NewListGroupsResponse, func(r *p.ListGroupsResponse) *p.Code { return &r.ErrorCode }),
	p.KeyApiVersions:      whole(p.NewApiVersionsResponse, func(r *p.ApiVersionsResponse) *p.Code { return &r.ErrorCode }),
	p.KeyInitProducerID:   whole(p.NewInitProducerIDResponse, func(r *p.InitProducerIDResponse) *p.Code { return &r.ErrorCode }),
	p.KeyDescribeLogDirs:  whole(p.NewDescribeLogDirsResponse, func(r *p.DescribeLogDirsResponse) *p.Code { return &r.ErrorCode }),
	p.KeyElectLeaders:     whole(p.NewElectLeadersResponse, func(r *p.ElectLeadersResponse) *p.Code { return &r.ErrorCode }),
	p.KeyOffsetDelete:     whole(p.NewOffsetDeleteResponse, func(r *p.OffsetDeleteResponse) *p.Code { return &r.ErrorCode }),
	p.KeyDescribeQuorum:   whole(p.NewDescribeQuorumResponse, func(r *p.DescribeQuorumResponse) *p.Code { return &r.ErrorCode }),
	p.KeyDescribeCluster:  whole(p.NewDescribeClusterResponse, func(r *p.DescribeClusterResponse) *p.Code { return &r.ErrorCode }),
	p.KeyUnregisterBroker: whole(p.NewUnregisterBrokerResponse, func(r *p.UnregisterBrokerResponse) *p.Code { return &r.ErrorCode }),
	p.KeyAddRaftVoter:     whole(p.NewAddRaftVoterResponse, func(r *p.AddRaftVoterResponse) *p.Code { return &r.ErrorCode }),
	p.KeyRemoveRaftVoter:  whole(p.NewRemoveRaftVoterResponse, func(r *p.RemoveRaftVoterResponse) *p.Code { return &r.ErrorCode }),
	p.KeyListConfigResources: whole(p.NewListConfigResourcesResponse,
		func(r *p.ListConfigResourcesResponse) *p.Code { return &r.ErrorCode }),
	p.KeyAlterPartitionReassignments: whole(p.NewAlterPartitionReassignmentsResponse,
		func(r *p.AlterPartitionReassignmentsResponse) *p.Code { return &r.ErrorCode }),
	p.KeyListPartitionReassignments: whole(p.NewListPartitionReassignmentsResponse,
		func(r *p.ListPartitionReassignmentsResponse) *p.Code { return &r.ErrorCode }),
}

// whole is for answers that say everything in one error.
func whole[R p.Message](make func() R, code func(R) *p.Code) func(p.Message, p.Code) p.Message {
	return func(_ p.Message, says p.Code) p.Message {
		r := make()
		*code(r) = says
		return r
	}
}

// each makes a part of an answer of each part of a request.
func each[A, B any](parts []A, answer func(*A) B) []B {
	all := make([]B, 0, len(parts))
	for i := range parts {
		all = append(all, answer(&parts[i]))
	}
	return all
}

func produceWith(m p.Message, code p.Code) p.Message {
	r := p.NewProduceResponse()
	r.Responses = each(m.(*p.ProduceRequest).TopicData, func(t *p.ProduceRequestTopicProduceData) p.ProduceResponseTopicProduceResponse {
		return p.ProduceResponseTopicProduceResponse{Name: t.Name, TopicID: t.TopicID,
			PartitionResponses: each(t.PartitionData, func(a *p.ProduceRequestPartitionProduceData) p.ProduceResponsePartitionProduceResponse {
				b := p.NewProduceResponsePartitionProduceResponse()
				b.Index, b.ErrorCode, b.BaseOffset = a.Index, code, -1
				return b
			})}
	})
	return r
}

func fetchWith(m p.Message, code p.Code) p.Message {
	r := p.NewFetchResponse()
	switch code {
	case p.FetchSessionIDNotFound, p.InvalidFetchSessionEpoch, p.FetchSessionTopicIDError:
		r.ErrorCode = code // they are about the whole
		return r
	}
	r.Responses = each(m.(*p.FetchRequest).Topics, func(t *p.FetchRequestTopic) p.FetchResponseFetchableTopicResponse {
		return p.FetchResponseFetchableTopicResponse{Topic: t.Topic, TopicID: t.TopicID,
			Partitions: each(t.Partitions, func(a *p.FetchRequestPartition) p.FetchResponsePartitionData {
				b := p.NewFetchResponsePartitionData()
				b.PartitionIndex, b.ErrorCode, b.HighWatermark, b.Records = a.Partition, code, -1, p.Bytes{}
				return b
			})}
	})
	return r
}

func listOffsetsWith(m p.Message, code p.Code) p.Message {
	r := p.NewListOffsetsResponse()
	r.Topics = each(m.(*p.ListOffsetsRequest).Topics, func(t *p.ListOffsetsRequestTopic) p.ListOffsetsResponseTopicResponse {
		return p.ListOffsetsResponseTopicResponse{Name: t.Name,
			Partitions: each(t.Partitions, func(a *p.ListOffsetsRequestPartition) p.ListOffsetsResponsePartitionResponse {
				b := p.NewListOffsetsResponsePartitionResponse()
				b.PartitionIndex, b.ErrorCode = a.PartitionIndex, code
				return b
			})}
	})
	return r
}

func metadataWith(m p.Message, code p.Code) p.Message {
	r := p.NewMetadataResponse()
	r.ErrorCode = code
	r.Topics = each(m.(*p.MetadataRequest).Topics, func(t *p.MetadataRequestTopic) p.MetadataResponseTopic {
		b := p.NewMetadataResponseTopic()
		b.Name, b.TopicID, b.ErrorCode = t.Name, t.TopicID, code
		return b
	})
	return r
}

func offsetCommitWith(m p.Message, code p.Code) p.Message {
	r := p.NewOffsetCommitResponse()
	r.Topics = each(m.(*p.OffsetCommitRequest).Topics, func(t *p.OffsetCommitRequestTopic) p.OffsetCommitResponseTopic {
		return p.OffsetCommitResponseTopic{Name: t.Name, TopicID: t.TopicID,
			Partitions: each(t.Partitions, func(a *p.OffsetCommitRequestPartition) p.OffsetCommitResponsePartition {
				return p.OffsetCommitResponsePartition{PartitionIndex: a.PartitionIndex, ErrorCode: code}
			})}
	})
	return r
}

func offsetFetchWith(m p.Message, code p.Code) p.Message {
	r := p.NewOffsetFetchResponse()
	request := m.(*p.OffsetFetchRequest)
	r.ErrorCode = code
	r.Topics = each(request.Topics, func(t *p.OffsetFetchRequestTopic) p.OffsetFetchResponseTopic {
		return p.OffsetFetchResponseTopic{Name: t.Name, Partitions: each(t.PartitionIndexes, func(i *int32) p.OffsetFetchResponsePartition {
			return p.OffsetFetchResponsePartition{PartitionIndex: *i, CommittedOffset: -1, CommittedLeaderEpoch: -1, Metadata: new(string), ErrorCode: code}
		})}
	})
	r.Groups = each(request.Groups, func(g *p.OffsetFetchRequestGroup) p.OffsetFetchResponseGroup {
		return p.OffsetFetchResponseGroup{GroupID: g.GroupID, ErrorCode: code}
	})
	return r
}

func findCoordinatorWith(m p.Message, code p.Code) p.Message {
	r := p.NewFindCoordinatorResponse()
	r.ErrorCode, r.NodeID, r.Port = code, -1, -1
	r.Coordinators = each(m.(*p.FindCoordinatorRequest).CoordinatorKeys, func(key *string) p.FindCoordinatorResponseCoordinator {
		return p.FindCoordinatorResponseCoordinator{Key: *key, NodeID: -1, Port: -1, ErrorCode: code}
	})
	return r
}

func leaveGroupWith(m p.Message, code p.Code) p.Message {
	r := p.NewLeaveGroupResponse()
	r.ErrorCode = code
	r.Members = each(m.(*p.LeaveGroupRequest).Members, func(a *p.LeaveGroupRequestMemberIdentity) p.LeaveGroupResponseMemberResponse {
		return p.LeaveGroupResponseMemberResponse{MemberID: a.MemberID, GroupInstanceID: a.GroupInstanceID, ErrorCode: code}
	})
	return r
}

func describeGroupsWith(m p.Message, code p.Code) p.Message {
	r := p.NewDescribeGroupsResponse()
	r.Groups = each(m.(*p.DescribeGroupsRequest).Groups, func(id *string) p.DescribeGroupsResponseDescribedGroup {
		b := p.NewDescribeGroupsResponseDescribedGroup()
		b.GroupID, b.ErrorCode = *id, code
		return b
	})
	return r
}

func createTopicsWith(m p.Message, code p.Code) p.Message {
	r := p.NewCreateTopicsResponse()
	r.Topics = each(m.(*p.CreateTopicsRequest).Topics, func(t *p.CreateTopicsRequestCreatableTopic) p.CreateTopicsResponseCreatableTopicResult {
		b := p.NewCreateTopicsResponseCreatableTopicResult()
		b.Name, b.ErrorCode = t.Name, code
		return b
	})
	return r
}

func deleteTopicsWith(m p.Message, code p.Code) p.Message {
	r := p.NewDeleteTopicsResponse()
	request := m.(*p.DeleteTopicsRequest)
	r.Responses = append(each(request.TopicNames, func(name *string) p.DeleteTopicsResponseDeletableTopicResult {
		return p.DeleteTopicsResponseDeletableTopicResult{Name: name, ErrorCode: code}
	}), each(request.Topics, func(t *p.DeleteTopicsRequestDeleteTopicState) p.DeleteTopicsResponseDeletableTopicResult {
		return p.DeleteTopicsResponseDeletableTopicResult{Name: t.Name, TopicID: t.TopicID, ErrorCode: code}
	})...)
	return r
}

func deleteRecordsWith(m p.Message, code p.Code) p.Message {
	r := p.NewDeleteRecordsResponse()
	r.Topics = each(m.(*p.DeleteRecordsRequest).Topics, func(t *p.DeleteRecordsRequestTopic) p.DeleteRecordsResponseTopicResult {
		return p.DeleteRecordsResponseTopicResult{Name: t.Name,
			Partitions: each(t.Partitions, func(a *p.DeleteRecordsRequestPartition) p.DeleteRecordsResponsePartitionResult {
				return p.DeleteRecordsResponsePartitionResult{PartitionIndex: a.PartitionIndex, LowWatermark: -1, ErrorCode: code}
			})}
	})
	return r
}

func offsetForLeaderEpochWith(m p.Message, code p.Code) p.Message {
	r := p.NewOffsetForLeaderEpochResponse()
	r.Topics = each(m.(*p.OffsetForLeaderEpochRequest).Topics,
		func(t *p.OffsetForLeaderEpochRequestOffsetForLeaderTopic) p.OffsetForLeaderEpochResponseOffsetForLeaderTopicResult {
			return p.OffsetForLeaderEpochResponseOffsetForLeaderTopicResult{Topic: t.Topic,
				Partitions: each(t.Partitions, func(a *p.OffsetForLeaderEpochRequestOffsetForLeaderPartition) p.OffsetForLeaderEpochResponseEpochEndOffset {
					b := p.NewOffsetForLeaderEpochResponseEpochEndOffset()
					b.Partition, b.ErrorCode = a.Partition, code
					return b
				})}
		})
	return r
}

func describeConfigsWith(m p.Message, code p.Code) p.Message {
	r := p.NewDescribeConfigsResponse()
	r.Results = each(m.(*p.DescribeConfigsRequest).Resources, func(a *p.DescribeConfigsRequestResource) p.DescribeConfigsResponseResult {
		return p.DescribeConfigsResponseResult{ResourceType: a.ResourceType, ResourceName: a.ResourceName, ErrorCode: code}
	})
	return r
}

func alterConfigsWith(m p.Message, code p.Code) p.Message {
	r := p.NewAlterConfigsResponse()
	r.Responses = each(m.(*p.AlterConfigsRequest).Resources, func(a *p.AlterConfigsRequestResource) p.AlterConfigsResponseResourceResponse {
		return p.AlterConfigsResponseResourceResponse{ResourceType: a.ResourceType, ResourceName: a.ResourceName, ErrorCode: code}
	})
	return r
}

func incrementalAlterConfigsWith(m p.Message, code p.Code) p.Message {
	r := p.NewIncrementalAlterConfigsResponse()
	r.Responses = each(m.(*p.IncrementalAlterConfigsRequest).Resources,
		func(a *p.IncrementalAlterConfigsRequestAlterConfigsResource) p.IncrementalAlterConfigsResponseAlterConfigsResourceResponse {
			return p.IncrementalAlterConfigsResponseAlterConfigsResourceResponse{ResourceType: a.ResourceType, ResourceName: a.ResourceName, ErrorCode: code}
		})
	return r
}

func createPartitionsWith(m p.Message, code p.Code) p.Message {
	r := p.NewCreatePartitionsResponse()
	r.Results = each(m.(*p.CreatePartitionsRequest).Topics, func(t *p.CreatePartitionsRequestTopic) p.CreatePartitionsResponseTopicResult {
		return p.CreatePartitionsResponseTopicResult{Name: t.Name, ErrorCode: code}
	})
	return r
}

func deleteGroupsWith(m p.Message, code p.Code) p.Message {
	r := p.NewDeleteGroupsResponse()
	r.Results = each(m.(*p.DeleteGroupsRequest).GroupsNames, func(id *string) p.DeleteGroupsResponseDeletableGroupResult {
		return p.DeleteGroupsResponseDeletableGroupResult{GroupID: *id, ErrorCode: code}
	})
	return r
}

func describeProducersWith(m p.Message, code p.Code) p.Message {
	r := p.NewDescribeProducersResponse()
	r.Topics = each(m.(*p.DescribeProducersRequest).Topics, func(t *p.DescribeProducersRequestTopicRequest) p.DescribeProducersResponseTopicResponse {
		return p.DescribeProducersResponseTopicResponse{Name: t.Name,
			Partitions: each(t.PartitionIndexes, func(i *int32) p.DescribeProducersResponsePartitionResponse {
				return p.DescribeProducersResponsePartitionResponse{PartitionIndex: *i, ErrorCode: code}
			})}
	})
	return r
}

func describeTopicPartitionsWith(m p.Message, code p.Code) p.Message {
	r := p.NewDescribeTopicPartitionsResponse()
	r.Topics = each(m.(*p.DescribeTopicPartitionsRequest).Topics,
		func(t *p.DescribeTopicPartitionsRequestTopicRequest) p.DescribeTopicPartitionsResponseTopic {
			b := p.NewDescribeTopicPartitionsResponseTopic()
			b.Name, b.ErrorCode = &t.Name, code
			return b
		})
	return r
}
