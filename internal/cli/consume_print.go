package cli

import (
	"bufio"
	"fmt"
	"strconv"
	"time"

	"github.com/skein-io/skein/consumer"
)

// recordPrinter writes records as lines.
type recordPrinter struct {
	json                                       bool
	timestamp, partition, offset, headers, key bool
	separator                                  string
	null                                       string
	w                                          *bufio.Writer
	line                                       []byte
}

// print writes one record. As text: what was asked for, in the order time, partition, offset, headers, key, value.
func (p *recordPrinter) print(r consumer.Record) error {
	if p.json {
		b, err := marshalPlain(toJSON(r))
		if err != nil {
			return fmt.Errorf("record %d of %s-%d: %w", r.Offset, r.Topic, r.Partition, err)
		}
		p.line = append(p.line[:0], b...)
	} else {
		p.line = p.appendText(p.line[:0], r)
	}
	_, err := p.w.Write(append(p.line, '\n'))
	return err
}

func (p *recordPrinter) appendText(line []byte, r consumer.Record) []byte {
	if p.timestamp {
		line = r.Timestamp.UTC().AppendFormat(line, time.RFC3339Nano)
		line = append(line, p.separator...)
	}
	if p.partition {
		line = append(strconv.AppendInt(line, int64(r.Partition), 10), p.separator...)
	}
	if p.offset {
		line = append(strconv.AppendInt(line, r.Offset, 10), p.separator...)
	}
	if p.headers {
		first := true
		for key, value := range r.Headers.All() {
			if !first {
				line = append(line, ',')
			}
			first = false
			line = append(append(line, key...), '=')
			line = p.orNull(line, value)
		}
		line = append(line, p.separator...)
	}
	if p.key {
		line = append(p.orNull(line, r.Key), p.separator...)
	}
	return p.orNull(line, r.Value)
}

func (p *recordPrinter) orNull(line, b []byte) []byte {
	if b == nil {
		return append(line, p.null...)
	}
	return append(line, b...)
}
