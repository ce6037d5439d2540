package peer

import (
	"fmt"
	"strings"

	"github.com/skein-io/skein/internal/protocol"
)

// helloVersion is the first version of ApiVersions in which a client says what software it is (KIP-511).
const helloVersion int16 = 3

// Hello is the request with which a Peer begins, in version 3: by the software name "skein-node" a node knows one of its own, and
// offers private APIs. The answer's FinalizedFeaturesEpoch is the offset of the node's image of the metadata log.
func Hello(software string) *protocol.ApiVersionsRequest {
	request := protocol.NewApiVersionsRequest()
	request.ClientSoftwareName, request.ClientSoftwareVersion = "skein-node", softwareVersion(software)
	return request
}

// softwareVersion is a version without what KIP-511 does not allow.
func softwareVersion(version string) string {
	version = strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, version)
	if version = strings.Trim(version, ".-"); version == "" {
		return "dev"
	}
	return version
}

// versions is what the other node offers.
type versions map[protocol.Key]versionRange

type versionRange struct{ lowest, highest int16 }

func versionsOf(response *protocol.ApiVersionsResponse) (versions, error) {
	if response.ErrorCode != protocol.None {
		return nil, fmt.Errorf("ApiVersions v%d was answered with %v", helloVersion, response.ErrorCode)
	}
	offered := make(versions, len(response.ApiKeys))
	for _, api := range response.ApiKeys {
		offered[protocol.Key(api.ApiKey)] = versionRange{api.MinVersion, api.MaxVersion}
	}
	return offered, nil
}

// choose returns the version in which to ask, or why there is none.
func (v versions) choose(node string, key protocol.Key, wanted int16) (int16, error) {
	offered, ok := v[key]
	if !ok {
		return 0, unfit(protocol.UnsupportedVersion, "%s does not offer %s (%d) on this listener", node, key, int16(key))
	}
	if wanted != highest {
		if _, known := protocol.Decodable(key); wanted < offered.lowest || wanted > min(offered.highest, known) {
			return 0, unfit(protocol.UnsupportedVersion, "%s offers %s in versions %d to %d, not in %d", node, key,
				offered.lowest, offered.highest, wanted)
		}
		return wanted, nil
	}
	lowest, highest := protocol.Versions(key)
	version := min(highest, offered.highest)
	if version < max(lowest, offered.lowest) {
		return 0, unfit(protocol.UnsupportedVersion, "%s offers %s in versions %d to %d, this node knows %d to %d", node, key,
			offered.lowest, offered.highest, lowest, highest)
	}
	return version, nil
}
