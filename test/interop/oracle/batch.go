package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// records is what a batch is made of.
type records struct {
	keys, values  []string // a key "-" is null
	timestamp     int64
	gzip          bool
	producer      int64
	epoch         int16
	sequence      int32
	attributes    int16
	magic         int8
	spoilCRC      bool
	countOverride int32
}

// plain is a batch of values with the keys k0, k1, ...
func plain(values ...string) records {
	r := records{values: values, timestamp: 1700000000000, producer: -1, epoch: -1, sequence: -1, magic: 2}
	for i := range values {
		r.keys = append(r.keys, fmt.Sprintf("k%d", i))
	}
	return r
}

// bytes is the batch as a producer sends it.
func (r records) bytes() []byte {
	var body []byte
	for i, value := range r.values {
		body = append(body, r.record(i, value)...)
	}
	attributes := r.attributes
	if r.gzip {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, _ = w.Write(body) // a Buffer takes every write
		_ = w.Close()
		body, attributes = z.Bytes(), attributes|1
	}
	b := kmsg.NewRecordBatch()
	b.Magic, b.Attributes, b.PartitionLeaderEpoch = r.magic, attributes, -1
	b.LastOffsetDelta, b.NumRecords = int32(len(r.values)-1), int32(len(r.values))
	if r.countOverride != 0 {
		b.NumRecords = r.countOverride
	}
	b.FirstTimestamp, b.MaxTimestamp = r.timestamp, r.timestamp+int64(len(r.values)-1)
	b.ProducerID, b.ProducerEpoch, b.FirstSequence = r.producer, r.epoch, r.sequence
	b.Records = body
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	raw := b.AppendTo(nil)
	sum := crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli))
	if r.spoilCRC {
		sum++
	}
	binary.BigEndian.PutUint32(raw[17:], sum)
	return raw
}

func (r records) record(i int, value string) []byte {
	rec := kmsg.NewRecord()
	rec.OffsetDelta, rec.TimestampDelta64 = int32(i), int64(i)
	if r.keys[i] != "-" {
		rec.Key = []byte(r.keys[i])
	}
	rec.Value = []byte(value)
	rec.Length = int32(len(rec.AppendTo(nil)) - 1) // a length of 0 takes one byte
	return rec.AppendTo(nil)
}

// describeBatches says what the base64 text of a Fetch answer holds.
func describeBatches(encoded string) string {
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err.Error()
	}
	var all []string
	for len(raw) >= 61 {
		length := int(binary.BigEndian.Uint32(raw[8:])) + 12
		if length > len(raw) {
			break
		}
		var b kmsg.RecordBatch
		if err := b.ReadFrom(raw[:length]); err != nil {
			return err.Error()
		}
		all = append(all, fmt.Sprintf("batch at %d, %d records, last %d, attributes %d, epoch %d, times %d to %d, sequence %d, %d bytes",
			b.FirstOffset, b.NumRecords, b.LastOffsetDelta, b.Attributes, b.PartitionLeaderEpoch, b.FirstTimestamp, b.MaxTimestamp, b.FirstSequence, length))
		raw = raw[length:]
	}
	if len(raw) > 0 {
		all = append(all, fmt.Sprintf("%d bytes of a cut batch", len(raw)))
	}
	return strings.Join(all, "; ")
}
