package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kgo"
)

// lineBytesMax bounds a line of input, so that a file without line ends does not fill the memory.
const lineBytesMax = 64 << 20

// recordForm says how a line becomes a record.
type recordForm struct {
	json      bool
	separator string  // between key and value; "" is no key in the line
	key       *string // of every record that brings none
	null      *string // the text that stands for null
	headers   []kgo.RecordHeader
	partition int32 // of every record, or anyPartition
}

// recordSource gives one record after the other, and then io.EOF.
type recordSource func() (*kgo.Record, error)

// recordReader makes records of lines.
type recordReader struct {
	form  recordForm
	in    *bufio.Reader
	lines int64
	long  []byte
}

func newRecordReader(in io.Reader, form recordForm) *recordReader {
	return &recordReader{form: form, in: bufio.NewReaderSize(in, 1<<20)}
}

// next returns the record of the next line, or io.EOF. An error says which line.
func (r *recordReader) next() (*kgo.Record, error) {
	for {
		line, err := r.line()
		if err != nil {
			return nil, err
		}
		if r.form.json && len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		record, err := r.form.parse(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", r.lines, err)
		}
		return record, nil
	}
}

// line returns the next line without its end, valid until the next call. The last one may have no end.
func (r *recordReader) line() ([]byte, error) {
	part, err := r.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		part, err = r.longLine(part)
	}
	if err == io.EOF && len(part) > 0 {
		err = nil
	}
	if err == nil {
		r.lines++
	}
	return bytes.TrimSuffix(part, []byte("\n")), err
}

func (r *recordReader) longLine(first []byte) ([]byte, error) {
	r.long = append(r.long[:0], first...)
	for {
		part, err := r.in.ReadSlice('\n')
		r.long = append(r.long, part...)
		if len(r.long) > lineBytesMax {
			return nil, fmt.Errorf("line %d is longer than %d bytes", r.lines+1, lineBytesMax)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return r.long, err
		}
	}
}

// parse makes a record of a line, with a copy of its bytes.
func (f *recordForm) parse(line []byte) (*kgo.Record, error) {
	record := &kgo.Record{Partition: anyPartition}
	if f.json {
		var err error
		if record, err = fromJSON(line); err != nil {
			return nil, err
		}
	} else if err := f.split(record, bytes.Clone(line)); err != nil {
		return nil, err
	}
	f.complete(record)
	return record, nil
}

func (f *recordForm) split(record *kgo.Record, line []byte) error {
	record.Value = line
	if f.separator != "" {
		key, value, ok := bytes.Cut(line, []byte(f.separator))
		if !ok {
			return fmt.Errorf("there is no key separator %q in it", f.separator)
		}
		record.Key, record.Value = f.orNull(key), value
	}
	record.Value = f.orNull(record.Value)
	return nil
}

// complete gives a record what the command line says of all.
func (f *recordForm) complete(record *kgo.Record) {
	if f.key != nil && record.Key == nil {
		record.Key = []byte(*f.key)
	}
	record.Headers = append(record.Headers, f.headers...)
	if f.partition != anyPartition {
		record.Partition = f.partition
	}
}

// orNull is nil for the text that stands for null, else text, which is then not nil.
func (f *recordForm) orNull(text []byte) []byte {
	if f.null != nil && string(text) == *f.null {
		return nil
	}
	if text == nil {
		text = []byte{}
	}
	return text
}
