package attack

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/record"
)

func putInt32(b []byte, v int32) { binary.BigEndian.PutUint32(b, uint32(v)) }

// sealed puts length and checksum of a batch in order.
func sealed(batch []byte) []byte {
	putInt32(batch[8:], int32(len(batch)-12))
	binary.BigEndian.PutUint32(batch[17:], crc32.Checksum(batch[21:], crc32.MakeTable(crc32.Castagnoli)))
	return batch
}

// claiming is a batch of one record that says it has count headers, and has these bytes of them.
func claiming(t *testing.T, count int64, headers []byte) []byte {
	t.Helper()
	body := []byte{0, 0, 0} // attributes, timestamp delta, offset delta
	body = binary.AppendVarint(body, -1)
	body = binary.AppendVarint(body, 1)
	body = append(body, 'v')
	body = append(binary.AppendVarint(body, count), headers...)
	batch := append([]byte{}, plain(t, 1)[:61]...)
	batch = append(binary.AppendVarint(batch, int64(len(body))), body...)
	return sealed(batch)
}

// TestCountlessHeaders stores a record of 32 Ki headers, which is allowed as it is in Kafka, and reads it again; then it
// claims headers that are not there. Those batches are refused, whether the topic has every record looked at or not, and
// the claims take no memory.
func TestCountlessHeaders(t *testing.T) {
	b := serve(t)
	w := b.dial().hello()
	w.create("t", 1)
	w.create("gzip", 1, "compression.type", "gzip")

	const many = 32 << 10
	var headers []record.Header
	for i := range many {
		headers = append(headers, record.Header{Key: fmt.Sprint("h", i), Value: []byte{byte(i)}})
	}
	builder := record.NewBuilder()
	if err := builder.Add(time.Now().UnixMilli(), nil, []byte("v"), headers...); err != nil {
		t.Fatal(err)
	}
	honest, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{"t", "gzip"} {
		if code := w.produce(topic, 0, append([]byte{}, honest...)); code != 0 {
			t.Fatalf("%s: a record of %d headers: error %d", topic, many, code)
		}
		if got := w.headers(topic); len(got) != many || got[many-1].Key != fmt.Sprint("h", many-1) || got[77].Value[0] != 77 {
			t.Errorf("%s: %d headers came back", topic, len(got))
		}
	}

	empty := []byte(strings.Repeat("\x00\x01", 10)) // key of no length, value null
	grown := b.grew(func() {
		for range often(20) {
			for _, topic := range []string{"t", "gzip"} {
				for what, batch := range map[string][]byte{
					"2^31-1 headers, none there":    claiming(t, 1<<31-1, nil),
					"32 Ki headers, ten there":      claiming(t, many, empty),
					"-1 headers":                    claiming(t, -1, nil),
					"2^62 headers":                  claiming(t, 1<<62, empty),
					"a header key of 2^31-1 bytes":  claiming(t, 1, binary.AppendVarint(nil, 1<<31-1)),
					"a header key of -1 bytes":      claiming(t, 1, binary.AppendVarint(nil, -1)),
					"a header value of -2 bytes":    claiming(t, 1, binary.AppendVarint([]byte{0}, -2)),
					"bytes after the last header":   claiming(t, 9, empty),
					"a header value that ends late": claiming(t, 1, binary.AppendVarint([]byte{0}, 100)),
				} {
					if code := w.produce(topic, 0, batch); code != 87 && code != 2 {
						t.Errorf("%s: %s: error %d, want 87 (INVALID_RECORD) or 2 (CORRUPT_MESSAGE)", topic, what, code)
					}
				}
			}
		}
	})
	if grown > 32<<20 {
		t.Errorf("claims of headers took %d MiB", grown>>20)
	}
	for _, topic := range []string{"t", "gzip"} {
		if n := len(w.values(topic)); n != 1 {
			t.Errorf("%s has %d records", topic, n)
		}
	}
}

// headers are those of all records of a topic.
func (w *wire) headers(topic string) []record.Header {
	w.t.Helper()
	var all []record.Header
	w.each(topic, func(r *record.Record) { all = append(all, r.Headers.Decode()...) })
	return all
}
