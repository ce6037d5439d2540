package controllerlink

import "github.com/skein-io/skein/internal/protocol"

// repeatable says whether a request may be sent again when nobody knows whether it was carried out. The second time it
// does nothing, or something that harms nobody:
//
//	BrokerRegistration      the incarnation is known already and keeps its epoch
//	BrokerHeartbeat         a session is prolonged twice
//	AlterPartition          the partition epoch is not the one any more: INVALID_UPDATE_VERSION
//	AllocateProducerIds     a block of ids is never used
//	AssignReplicasToDirs    what is lost is lost twice
//	ListPartitionReassignments, DescribeQuorum   nothing is changed
//
// All others would get an answer that is wrong (TOPIC_ALREADY_EXISTS for a topic that the first one created), or undo what
// somebody else did in between.
func repeatable(request protocol.Message) bool {
	switch request.(type) {
	case *protocol.BrokerRegistrationRequest, *protocol.BrokerHeartbeatRequest, *protocol.AlterPartitionRequest,
		*protocol.AllocateProducerIDsRequest, *protocol.AssignReplicasToDirsRequest, *protocol.ListPartitionReassignmentsRequest, *protocol.DescribeQuorumRequest:
		return true
	}
	return false
}

// refusalOf is the error of a response that says that the node which gave it is not the controller, and nil of any other.
// Some responses have no place for an error of the whole; then every item has it.
func refusalOf(response protocol.Message) error {
	code := protocol.None
	var reason *string
	refused := func(c protocol.Code, text *string) {
		if c == protocol.NotController {
			code, reason = c, text
		}
	}
	switch r := response.(type) {
	case *protocol.CreateTopicsResponse:
		for i := range r.Topics {
			refused(r.Topics[i].ErrorCode, r.Topics[i].ErrorMessage)
		}
	case *protocol.DeleteTopicsResponse:
		for i := range r.Responses {
			refused(r.Responses[i].ErrorCode, r.Responses[i].ErrorMessage)
		}
	case *protocol.CreatePartitionsResponse:
		for i := range r.Results {
			refused(r.Results[i].ErrorCode, r.Results[i].ErrorMessage)
		}
	case *protocol.AlterConfigsResponse:
		for i := range r.Responses {
			refused(r.Responses[i].ErrorCode, r.Responses[i].ErrorMessage)
		}
	case *protocol.IncrementalAlterConfigsResponse:
		for i := range r.Responses {
			refused(r.Responses[i].ErrorCode, r.Responses[i].ErrorMessage)
		}
	case *protocol.ElectLeadersResponse: // version 0 has no error of the whole
		refused(r.ErrorCode, nil)
		for _, topic := range r.ReplicaElectionResults {
			for i := range topic.PartitionResult {
				refused(topic.PartitionResult[i].ErrorCode, topic.PartitionResult[i].ErrorMessage)
			}
		}
	default:
		refused(wholeError(response))
	}
	switch {
	case code == protocol.None:
		return nil
	case reason != nil:
		return protocol.Fail(code, "%s", *reason)
	}
	return protocol.Fail(code, "the node that was asked is not the controller")
}

// wholeError is the error of a response as a whole, of the types that have one.
func wholeError(response protocol.Message) (protocol.Code, *string) {
	switch r := response.(type) {
	case *protocol.AlterPartitionReassignmentsResponse:
		return r.ErrorCode, r.ErrorMessage
	case *protocol.ListPartitionReassignmentsResponse:
		return r.ErrorCode, r.ErrorMessage
	case *protocol.UnregisterBrokerResponse:
		return r.ErrorCode, r.ErrorMessage
	case *protocol.UpdateFeaturesResponse:
		return r.ErrorCode, r.ErrorMessage
	case *protocol.AddRaftVoterResponse:
		return r.ErrorCode, r.ErrorMessage
	case *protocol.RemoveRaftVoterResponse:
		return r.ErrorCode, r.ErrorMessage
	case *protocol.DescribeQuorumResponse:
		return r.ErrorCode, r.ErrorMessage
	case *protocol.AllocateProducerIDsResponse:
		return r.ErrorCode, nil
	case *protocol.AlterPartitionResponse:
		return r.ErrorCode, nil
	case *protocol.AssignReplicasToDirsResponse:
		return r.ErrorCode, nil
	case *protocol.BrokerRegistrationResponse:
		return r.ErrorCode, nil
	case *protocol.BrokerHeartbeatResponse:
		return r.ErrorCode, nil
	}
	return protocol.None, nil
}
