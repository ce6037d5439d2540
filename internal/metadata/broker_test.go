package metadata

import (
	"testing"

	"github.com/skein-io/skein/internal/protocol"
)

// TestVolatileBroker: what a broker acknowledges is on the disk, unless it has registered otherwise; a snapshot keeps that.
func TestVolatileBroker(t *testing.T) {
	for highest, want := range map[int16]bool{-1: false, 0: false, 1: true} {
		r := &protocol.RegisterBrokerRecord{BrokerID: 1, Features: []protocol.RegisterBrokerRecordBrokerFeature{{Name: "f", MaxSupportedVersion: 1}}}
		if highest >= 0 {
			r.Features = append(r.Features, protocol.RegisterBrokerRecordBrokerFeature{Name: VolatileFeature, MaxSupportedVersion: highest})
		}
		image, _, err := Apply(NewImage("c"), []Record{r})
		if err != nil {
			t.Fatal(err)
		}
		if got := rebuild(t, image).Broker(1).Volatile(); got != want {
			t.Errorf("levels up to %d: volatile %t", highest, got)
		}
	}
}
