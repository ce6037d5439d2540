package logdump

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/skein-io/skein/internal/record"
)

// log prints the batches of a .log file.
func (d *dumper) log(name string) error {
	file, err := d.source.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	d.meter.total = file.size
	s := scanner{file: file, meter: d.meter}
	var damaged error
	for {
		b, at, err := s.next()
		if err == io.EOF {
			return damaged
		}
		if errors.Is(err, errNoBatch) {
			return d.stopped(&s, err)
		}
		if err != nil {
			return err
		}
		if !d.options.wants(b) {
			continue
		}
		bad := b.Check()
		if bad != nil && damaged == nil {
			damaged = fmt.Errorf("%s: the batch at position %d is damaged: %w", file.name, at, bad)
		}
		if err := d.out.print(batchRow(b, at, bad)); err != nil {
			return err
		}
		if d.options.Deep && bad == nil {
			if err := d.records(b, at); err != nil && damaged == nil {
				damaged = err
			}
		}
	}
}

// stopped ends the output where no batch begins.
func (d *dumper) stopped(s *scanner, why error) error {
	left := s.file.size - s.position
	r := row{kind: "stopped"}
	r.add("position", s.position)
	r.add("bytesLeft", left)
	zeros, err := s.zeros()
	if err != nil {
		return err
	}
	r.add("zeros", zeros)
	if err := d.out.print(r); err != nil {
		return err
	}
	return fmt.Errorf("%s: %d bytes at position %d cannot be read: %w", s.file.name, left, s.position, why)
}

func batchRow(b record.Batch, at int64, bad error) row {
	r := row{kind: "batch"}
	r.add("baseOffset", int64(b.BaseOffset()))
	r.add("lastOffset", int64(b.LastOffset()))
	r.add("count", b.Count())
	r.add("baseSequence", b.BaseSequence())
	r.add("lastSequence", b.LastSequence())
	r.add("producerId", b.ProducerID())
	r.add("producerEpoch", b.ProducerEpoch())
	r.add("partitionLeaderEpoch", int32(b.LeaderEpoch()))
	r.add("isTransactional", b.Transactional())
	r.add("isControl", b.Control())
	if horizon, ok := b.DeleteHorizon(); ok {
		r.add("deleteHorizonMs", horizon)
	}
	r.add("position", at)
	r.add(timestampType(b), b.MaxTimestamp())
	r.add("size", len(b))
	r.add("magic", b.Magic())
	r.add("compresscodec", b.Codec().String())
	r.add("crc", b.CRC())
	r.add("isvalid", bad == nil)
	if bad != nil {
		r.add("problem", bad.Error())
	}
	return r
}

func timestampType(b record.Batch) string {
	if b.LogAppendTime() {
		return "LogAppendTime"
	}
	return "CreateTime"
}

// records prints the records of a batch that is whole.
func (d *dumper) records(b record.Batch, at int64) error {
	r := b.Records(d.options.Limits)
	defer r.Close()
	for r.Next() {
		if err := d.out.print(d.recordRow(b, r.Record())); err != nil {
			return err
		}
	}
	if r.Err() != nil {
		return fmt.Errorf("the records of the batch at position %d: %w", at, r.Err())
	}
	return nil
}

func (d *dumper) recordRow(b record.Batch, rec *record.Record) row {
	r := row{kind: "record", indent: "| "}
	r.add("offset", int64(rec.Offset))
	r.add(timestampType(b), rec.Timestamp)
	r.add("keySize", sizeOf(rec.Key))
	r.add("valueSize", sizeOf(rec.Value))
	if sequence := b.BaseSequence(); sequence >= 0 {
		r.add("sequence", record.AddSequence(sequence, int32(rec.Offset-b.BaseOffset())))
	}
	if rec.Headers.Len() > 0 {
		r.add("headers", headersJSON(rec.Headers))
	}
	if b.Control() {
		addControl(&r, rec)
		return r
	}
	d.payloads.add(&r, rec)
	return r
}

// sizeOf is a payload's size, -1 for null.
func sizeOf(b []byte) int {
	if b == nil {
		return -1
	}
	return len(b)
}

// headersJSON shows headers as pairs, since a key may occur again.
func headersJSON(headers record.Headers) json.RawMessage {
	out := []byte{'['}
	for key, value := range headers.All() {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = appendJSON(append(out, '['), string(key))
		out = appendJSON(append(out, ','), value)
		out = append(out, ']')
	}
	return append(out, ']')
}

func addControl(r *row, rec *record.Record) {
	kind, version, err := record.ParseControl(rec.Key)
	if err != nil {
		r.add("problem", err.Error())
		return
	}
	r.add("controlType", kind.String())
	r.add("controlVersion", version)
	if kind == record.ControlAbort || kind == record.ControlCommit {
		if epoch, _, err := record.ParseEndMarker(rec.Value); err == nil {
			r.add("coordinatorEpoch", epoch)
		}
	}
}
