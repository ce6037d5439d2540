package protocol

import "strconv"

// NoKey is what Key returns for a body that is neither a request, a response nor a numbered record.
const NoKey Key = -1

// PrivateKeys is the first key of skein's own APIs, which only skein's own programs ask for.
const PrivateKeys Key = 0x4000

// apiInfo is a row of the generated table of APIs.
type apiInfo struct {
	name              string
	lowest, highest   int16 // advertised; highest -1 is none
	decodable         int16 // the lowest version that Decode takes
	decodableMax      int16
	flexible          int16 // the first flexible version; -1 is none
	request, response func() Message
}

// infoOf finds the row of an API; ok is false for one without messages.
func infoOf(key Key) (info apiInfo, ok bool) {
	switch private := int(key - PrivateKeys); {
	case key >= 0 && int(key) < len(apis):
		info = apis[key]
	case key >= PrivateKeys && private < len(privateAPIs):
		info = privateAPIs[private]
	}
	return info, info.request != nil
}

// String returns the name of the API, such as "InitProducerId", or the number of an API without one.
func (k Key) String() string {
	if info, _ := infoOf(k); info.name != "" {
		return info.name
	}
	return strconv.Itoa(int(k))
}

// NewRequest returns an empty request of the API with Kafka's defaults, or nil if the API is unknown.
func NewRequest(key Key) Message {
	info, ok := infoOf(key)
	if !ok {
		return nil
	}
	return info.request()
}

// NewResponse returns an empty response of the API with Kafka's defaults, or nil if the API is unknown.
func NewResponse(key Key) Message {
	info, ok := infoOf(key)
	if !ok {
		return nil
	}
	return info.response()
}

// Versions returns the versions that a server advertises: Kafka 4.4's, without those that Kafka calls unstable, with
// CreateTopics and DeleteTopics from 0 and ApiVersions to 4. Of Produce they are 0 to 13 (KAFKA-18659), but 0 to 2
// cannot be decoded. An unknown API has 0 and -1.
func Versions(key Key) (lowest, highest int16) {
	info, ok := infoOf(key)
	if !ok {
		return 0, -1
	}
	return info.lowest, info.highest
}

// Decodable returns the versions that Decode takes, which contain Versions but for Produce. An unknown API has 0 and -1.
func Decodable(key Key) (lowest, highest int16) {
	info, ok := infoOf(key)
	if !ok {
		return 0, -1
	}
	return info.decodable, info.decodableMax
}

// IsFlexible says whether a version of the API has compact lengths and tagged fields (KIP-482).
func IsFlexible(key Key, version int16) bool {
	info, ok := infoOf(key)
	return ok && info.flexible >= 0 && version >= info.flexible
}

// HeaderVersion returns the version of the RequestHeader in front of a request.
func HeaderVersion(key Key, version int16) int16 {
	if IsFlexible(key, version) {
		return 2
	}
	return 1
}

// ResponseHeaderVersion returns the version of the ResponseHeader in front of a response. ApiVersions is always 0: a
// client reads it before it knows what the server can do (KIP-511).
func ResponseHeaderVersion(key Key, version int16) int16 {
	if key != KeyApiVersions && IsFlexible(key, version) {
		return 1
	}
	return 0
}
