package protocol

// DecodeSubscription reads the metadata that a consumer sends when it joins a classic group. A version above the
// highest that is known is read as the highest, as Kafka's consumer does: later versions only add fields at the end.
// Byte fields are slices of b.
//
//	int16 version | ConsumerProtocolSubscription
func DecodeSubscription(b []byte) (s *ConsumerProtocolSubscription, version int16, err error) {
	s = NewConsumerProtocolSubscription()
	version, err = decodeVersioned(b, s)
	return s, version, err
}

// DecodeAssignment reads the assignment that a consumer gets from its classic group, as DecodeSubscription does.
//
//	int16 version | ConsumerProtocolAssignment
func DecodeAssignment(b []byte) (a *ConsumerProtocolAssignment, version int16, err error) {
	a = NewConsumerProtocolAssignment()
	version, err = decodeVersioned(b, a)
	return a, version, err
}

// versionedMessage is a message whose range of versions is asked for.
type versionedMessage interface {
	Message
	Versions() (lowest, highest int16)
}

func decodeVersioned(b []byte, m versionedMessage) (version int16, err error) {
	version, r, err := numbered(b, "consumer protocol")
	if err != nil {
		return 0, err
	}
	_, highest := m.Versions()
	return version, m.Decode(r, min(version, highest))
}
