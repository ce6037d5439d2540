package protocol

import "testing"

// Every message in every version reads back what it wrote, and leaves nothing over.
func TestEmptyMessagesReadBack(t *testing.T) {
	for key := Key(0); int(key) < len(apis); key++ {
		for _, construct := range []func(Key) Message{NewRequest, NewResponse} {
			lowest, highest := Decodable(key)
			for version := lowest; version <= highest; version++ {
				b := AppendMessage(nil, construct(key), version)
				r := NewReader(b, Limits{})
				if err := construct(key).Decode(r, version); err != nil || len(r.Remaining()) > 0 {
					t.Errorf("%s v%d: %v, %d bytes left", key, version, err, len(r.Remaining()))
				}
			}
		}
	}
}
