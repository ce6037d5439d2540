package protocol

import "testing"

func TestVersionsThatDifferFromTheSchemas(t *testing.T) {
	for _, c := range []struct {
		key                 Key
		lowest, highest     int16
		decodable, highest2 int16
	}{
		{KeyProduce, 0, 13, 3, 13},
		{KeyApiVersions, 0, 4, 0, 5},
		{KeyCreateTopics, 0, 7, 0, 7},
		{KeyDeleteTopics, 0, 6, 0, 6},
		{KeyInitProducerID, 0, 5, 0, 6},
		{KeyListOffsets, 1, 11, 1, 11},
		{KeyMetadata, 0, 13, 0, 13},
		{KeyFetch, 4, 18, 4, 18},
		{KeyOffsetCommit, 2, 10, 2, 10},
		{KeyOffsetFetch, 1, 10, 1, 10},
		{KeyJoinGroup, 0, 9, 0, 9},
		{KeyLeaderAndIsr, 0, -1, 0, -1},
		{95, 0, -1, 0, -1},
		{-1, 0, -1, 0, -1},
		{0x7000, 0, -1, 0, -1},
		{KeyDescribeClientErrors, 0, 0, 0, 0},
	} {
		lowest, highest := Versions(c.key)
		decodable, highest2 := Decodable(c.key)
		if lowest != c.lowest || highest != c.highest || decodable != c.decodable || highest2 != c.highest2 {
			t.Errorf("%s: advertised %d to %d, decoded %d to %d, want %+v", c.key, lowest, highest, decodable, highest2, c)
		}
	}
}

func TestHeaderVersions(t *testing.T) {
	for _, c := range []struct {
		key               Key
		version           int16
		request, response int16
	}{
		{KeyProduce, 8, 1, 0},
		{KeyProduce, 9, 2, 1},
		{KeyApiVersions, 2, 1, 0},
		{KeyApiVersions, 3, 2, 0},
		{KeyApiVersions, 99, 2, 0},
		{KeySaslHandshake, 1, 1, 0},
		{KeyOffsetDelete, 0, 1, 0},
		{KeyDescribeCluster, 0, 2, 1},
		{0x7000, 0, 1, 0},
		{KeyDescribeFlightRecorder, 0, 2, 1},
	} {
		if request, response := HeaderVersion(c.key, c.version), ResponseHeaderVersion(c.key, c.version); request != c.request || response != c.response {
			t.Errorf("%s v%d: request header v%d, response header v%d", c.key, c.version, request, response)
		}
	}
}

// A message knows its key and gives it for request and response alike.
func TestRegistryAndMessagesAgree(t *testing.T) {
	for key := Key(0); int(key) < len(apis); key++ {
		request, response := NewRequest(key), NewResponse(key)
		if (request == nil) != (response == nil) || (request == nil) != (key >= KeyLeaderAndIsr && key <= KeyControlledShutdown) {
			t.Errorf("%s: %T and %T", key, request, response)
		}
		if request != nil && (request.Key() != key || response.Key() != key) {
			t.Errorf("%s: %T says %s, %T says %s", key, request, request.Key(), response, response.Key())
		}
	}
	if NewRequest(95) != nil || NewResponse(-1) != nil {
		t.Error("an unknown API has messages")
	}
	if KeyInitProducerID.String() != "InitProducerId" || Key(95).String() != "95" || NoKey.String() != "-1" {
		t.Error("names", KeyInitProducerID, Key(95), NoKey)
	}
}

func TestVersionOutsideTheRangeIsRefused(t *testing.T) {
	for _, version := range []int16{-1, 2, 14, 32767} {
		err := NewRequest(KeyProduce).Decode(NewReader(make([]byte, 100), Limits{}), version)
		if CodeOf(err) != UnsupportedVersion {
			t.Errorf("v%d: %v", version, err)
		}
	}
}
