package disk

import "testing"

func TestSimulatedConforms(t *testing.T) {
	testConformance(t, func(t *testing.T) FS { return NewSimulated(SimulatedOptions{}) })
}
