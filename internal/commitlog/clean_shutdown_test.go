package commitlog

import (
	"testing"

	"github.com/skein-io/skein/internal/disk"
)

// life opens a directory, looks at what the last life left, and ends well or by a loss of power.
func life(t *testing.T, fs *disk.Simulated, epoch int64, crash, wantClean bool, wantEpoch int64) *disk.Simulated {
	t.Helper()
	d, err := openWith(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d.Clean() != wantClean || d.CleanBrokerEpoch() != wantEpoch {
		t.Errorf("clean %v, broker epoch %d; want %v, %d", d.Clean(), d.CleanBrokerEpoch(), wantClean, wantEpoch)
	}
	if epoch != NoBrokerEpoch {
		d.SetBrokerEpoch(epoch)
	}
	if crash {
		fs = fs.Crash()
	}
	if err := d.Close(); err != nil && !crash {
		t.Fatal(err)
	}
	return fs
}

// TestTheNoteOfACleanEnd carries the broker epoch of the life that ended, and is of use to the next life alone.
func TestTheNoteOfACleanEnd(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	fs = life(t, fs, 7, false, false, NoBrokerEpoch)
	if b, err := ReadFile(fs, cleanShutdown, 100); err != nil || string(b) != `{"version":0,"brokerEpoch":7}` {
		t.Errorf("%s, %v", b, err)
	}
	fs = life(t, fs, NoBrokerEpoch, false, true, 7) // no controller was found in this life: nothing is changed
	fs = life(t, fs, 9, true, true, 7)
	fs = life(t, fs, 11, false, false, NoBrokerEpoch)
	for content, want := range map[string]int64{
		`{"version":0,"brokerEpoch":-1}`:                 NoBrokerEpoch,
		`{"version":0,"brokerEpoch":-5}`:                 NoBrokerEpoch,
		`{"version":0,"brokerEpoch":null}`:               NoBrokerEpoch,
		`{"version":1,"brokerEpoch":3,"something":true}`: 3,
		`{"version":0,"brokerEpoch":4`:                   NoBrokerEpoch,
		``:                                               NoBrokerEpoch, // Kafka before 3.8
	} {
		if err := ReplaceFile(fs, ".", cleanShutdown, []byte(content)); err != nil {
			t.Fatal(err)
		}
		fs = life(t, fs, NoBrokerEpoch, false, true, want)
	}
}
