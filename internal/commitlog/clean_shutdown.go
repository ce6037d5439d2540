package commitlog

import (
	"encoding/json"
)

// The note of a clean end, in Kafka's format: the directory's logs are whole, and as the broker left them that had this epoch.
// The next life takes it away before it writes anything.
//
//	{"version":0,"brokerEpoch":42}
const (
	cleanShutdown         = ".kafka_cleanshutdown"
	cleanShutdownBytesMax = 4096
)

// NoBrokerEpoch stands where no broker epoch is known.
const NoBrokerEpoch int64 = -1

type cleanShutdownNote struct {
	Version     int   `json:"version"`
	BrokerEpoch int64 `json:"brokerEpoch"`
}

// takeCleanShutdown asks whether the last life ended well, with which broker epoch, and removes the file that says so
// before anything is written: a crash of this life must not find it. A note that cannot be read is one without an epoch, as
// in Kafka.
func (d *Dir) takeCleanShutdown() (clean bool, epoch int64, err error) {
	note := cleanShutdownNote{BrokerEpoch: NoBrokerEpoch}
	if b, err := ReadFile(d.fs, cleanShutdown, cleanShutdownBytesMax); err != nil || json.Unmarshal(b, &note) != nil || note.BrokerEpoch < 0 {
		note.BrokerEpoch = NoBrokerEpoch
	}
	err = d.fs.Remove(cleanShutdown)
	if missing(err) {
		return false, NoBrokerEpoch, nil
	}
	if err != nil {
		return false, NoBrokerEpoch, err
	}
	return true, note.BrokerEpoch, d.fs.SyncDir(".")
}

func (d *Dir) leaveCleanShutdown() error {
	b, err := json.Marshal(cleanShutdownNote{BrokerEpoch: d.epoch.Load()})
	if err != nil {
		return err
	}
	return ReplaceFile(d.fs, ".", cleanShutdown, b)
}

// Clean says whether the last life of the directory ended by Close without an error.
func (d *Dir) Clean() bool { return d.clean }

// CleanBrokerEpoch is the broker epoch of the last life, if it ended by Close without an error: all that it acknowledged is
// here. Otherwise it is NoBrokerEpoch.
func (d *Dir) CleanBrokerEpoch() int64 { return d.ended }

// SetBrokerEpoch has Close note the broker epoch of this life. Before the broker has one, that of the last life stays true.
func (d *Dir) SetBrokerEpoch(epoch int64) { d.epoch.Store(epoch) }
