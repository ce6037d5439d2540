// Package envelope writes changes as records of a Kafka topic and reads them again, in three formats: Debezium's envelope
// in JSON, Canal's flat JSON, and Maxwell's JSON. It reads what their makers write, too.
//
// It is pure: bytes in, changes out, and the other way round. It connects to nothing, keeps no clock, and drops nothing
// in silence: a record that it cannot read exactly is an *Error that names the record and the field.
//
// What decides which change is newer travels in the record header HeaderVersion, so that a sink gets back exactly what
// the source knew while the value stays what readers of the format expect. A record without it, which somebody else wrote,
// gets a version from what its format tells (see Ordering). docs/formats/changes.md tells each format field by field.
//
// Start at Encoder.Encode and Decoder.Decode.
package envelope
