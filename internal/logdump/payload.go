package logdump

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// payloads says how keys and values are shown.
type payloads int

const (
	plainPayloads payloads = iota
	consumerOffsets
	clusterMetadata
)

// payloadsOf goes by the folder's name, unless the options say it.
func payloadsOf(folder string, options Options) payloads {
	topic, _, _ := topicOf(folder)
	switch {
	case options.ConsumerOffsets || topic == "__consumer_offsets":
		return consumerOffsets
	case topic == "__cluster_metadata":
		return clusterMetadata
	}
	return plainPayloads
}

// add adds key and value to a record's row. What cannot be decoded is shown as it is, with the reason.
func (p payloads) add(r *row, rec *record.Record) {
	if p == clusterMetadata && rec.Key == nil && addMetadata(r, rec.Value) {
		return
	}
	if p != consumerOffsets || rec.Key == nil {
		r.add("key", rec.Key)
		r.add("payload", rec.Value)
		return
	}
	key, err := protocol.DecodeRecordKey(rec.Key)
	if err != nil {
		addUndecoded(r, rec, err)
		return
	}
	value, version, err := protocol.DecodeRecordValue(key, rec.Value)
	if err != nil {
		addUndecoded(r, rec, err)
		return
	}
	r.add("schema", schemaOf(key))
	r.add("key", render(key))
	if value == nil {
		r.add("payload", json.RawMessage("null"))
		return
	}
	r.add("version", version)
	r.add("payload", render(value))
}

func addUndecoded(r *row, rec *record.Record, why error) {
	r.add("key", rec.Key)
	r.add("payload", rec.Value)
	r.add("problem", why.Error())
}

// schemaOf is the name of a key's schema without its ending: OffsetCommit for an OffsetCommitKey.
func schemaOf(key protocol.Message) string {
	return strings.TrimSuffix(reflect.TypeOf(key).Elem().Name(), "Key")
}
