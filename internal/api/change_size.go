package api

import "github.com/skein-io/skein/internal/protocol"

// Bounds on the changes of configurations in one request. The controller takes a request as a whole, for all others
// wait meanwhile, and writes it as one entry of the metadata log, whose size has a bound too (quorum.EntryBytesMax) that
// the controller holds to. What is refused here costs it nothing.
const (
	changedResourcesMax = 2000
	changedValuesMax    = 25_000
	valuesOfResourceMax = 1000
	changedBytesMax     = 8 << 20
	// resourceNameMax is the longest name of a resource, in bytes, that may have a configuration.
	resourceNameMax = 1024
)

// changeSize adds up what a request changes.
type changeSize struct{ resources, values, widest, bytes int }

// resource counts a resource with its number of values.
func (s *changeSize) resource(name string, values int) {
	s.resources++
	s.values += values
	s.widest = max(s.widest, values)
	s.bytes += len(name) * (1 + values)
}

func (s *changeSize) value(name string, value *string) { s.bytes += len(name) + len(text(value)) }

// check says why the request is too large, or nil.
func (s *changeSize) check() error {
	switch {
	case s.resources > changedResourcesMax:
		return protocol.Fail(protocol.PolicyViolation, "the request changes %d resources; at most %d go in one", s.resources, changedResourcesMax)
	case s.widest > valuesOfResourceMax:
		return protocol.Fail(protocol.PolicyViolation, "the request sets %d names of one resource; at most %d go in one", s.widest, valuesOfResourceMax)
	case s.values > changedValuesMax:
		return protocol.Fail(protocol.PolicyViolation, "the request sets %d values; at most %d go in one", s.values, changedValuesMax)
	case s.bytes > changedBytesMax:
		return protocol.Fail(protocol.PolicyViolation, "the request sets values of %d bytes; at most %d go in one", s.bytes, changedBytesMax)
	}
	return nil
}
