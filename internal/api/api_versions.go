package api

import (
	"regexp"
	"slices"

	"github.com/skein-io/skein/internal/protocol"
)

// softwareName is what a client may call itself and its version (KIP-511).
var softwareName = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$`)

// ApiVersions (18), versions 0 to 4: what this node answers. A version it does not know is answered in version 0 with
// UNSUPPORTED_VERSION and this API's own range, so that the client can come again (KIP-511); that answer is
// UnsupportedVersion. A client whose name begins with skein is told of the private APIs too, another node of the cluster
// also of those that only nodes use.
func (n *Node) apiVersions(c *Call) {
	request := c.Request.(*protocol.ApiVersionsRequest)
	response := protocol.NewApiVersionsResponse()
	if c.Version >= 3 && (!softwareName.MatchString(request.ClientSoftwareName) || !softwareName.MatchString(request.ClientSoftwareVersion)) {
		response.ErrorCode = n.fail(c, protocol.Fail(protocol.InvalidRequest,
			"client software name %.64q and version %.64q must be letters, digits, '.' and '-'", request.ClientSoftwareName, request.ClientSoftwareVersion))
		c.Reply(response)
		return
	}
	response.ApiKeys = n.versions
	if c.Version >= 3 && c.Client.own() {
		response.ApiKeys = slices.Concat(response.ApiKeys, n.private)
	}
	if c.Version >= 3 && c.Client.node() {
		response.ApiKeys = slices.Concat(response.ApiKeys, n.between)
	}
	image := n.Image()
	response.FinalizedFeaturesEpoch = int64(image.Offset)
	for name, level := range image.Features() {
		response.FinalizedFeatures = append(response.FinalizedFeatures, protocol.ApiVersionsResponseFinalizedFeatureKey{
			Name: name, MaxVersionLevel: level, MinVersionLevel: level})
	}
	if self := image.Broker(n.Self); self != nil {
		for _, f := range self.Features {
			if f.Min == 0 && c.Version < 4 { // a minimum of 0 breaks clients before version 4 (KIP-584)
				continue
			}
			response.SupportedFeatures = append(response.SupportedFeatures, protocol.ApiVersionsResponseSupportedFeatureKey{
				Name: f.Name, MinVersion: f.Min, MaxVersion: f.Max})
		}
	}
	c.Reply(response)
}

// UnsupportedVersion is the answer to an ApiVersions of a version that is not known. It is encoded in version 0.
func (n *Node) UnsupportedVersion() protocol.Message {
	response := protocol.NewApiVersionsResponse()
	response.ErrorCode = protocol.UnsupportedVersion
	row := n.rows[protocol.KeyApiVersions]
	response.ApiKeys = []protocol.ApiVersionsResponseApiVersion{{ApiKey: int16(row.Key), MinVersion: row.Min, MaxVersion: row.Max}}
	return response
}
