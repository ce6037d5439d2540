package logdump

import (
	"fmt"
	"io"
)

// Dump prints a file of a data directory, or every file of a folder that it knows, one after the other. A damaged file
// is printed as far as it can be read; the error then says where that ended. The folder's name says whether the records
// are those of __consumer_offsets.
func Dump(w io.Writer, path string, options Options) error {
	s, file, folder, closer, err := openPath(path)
	if err != nil {
		return err
	}
	defer closer.Close()
	d := &dumper{source: s, options: options, out: newPrinter(w, options), meter: &meter{report: options.Progress}}
	d.payloads = payloadsOf(folder, options)
	if file != "" {
		err = d.file(file)
	} else {
		err = d.folder()
	}
	d.meter.end()
	if flushed := d.out.w.Flush(); flushed != nil { // whoever reads the output has gone
		return flushed
	}
	return err
}

// dumper prints the files of one folder.
type dumper struct {
	source   source
	options  Options
	out      *printer
	meter    *meter
	payloads payloads
}

// folder prints all files that it knows. The first error is returned, after the other files.
func (d *dumper) folder() error {
	entries, err := d.source.list(".")
	if err != nil {
		return err
	}
	var first error
	printed := 0
	for _, e := range entries {
		k, _, _ := classify(e.Name())
		if e.IsDir() || k == unknown {
			continue
		}
		printed++
		if err := d.file(e.Name()); err != nil && first == nil {
			first = err
		}
	}
	if printed == 0 {
		return fmt.Errorf("%s has no file that can be printed: give a partition's folder, such as skein-data/orders-0, or a file in it", d.source.name)
	}
	return first
}

func (d *dumper) file(name string) error {
	k, base, _ := classify(name)
	if k == unknown {
		return fmt.Errorf("%s: unknown kind of file; known are .log, .index, .timeindex, .txnindex, .snapshot, leader-epoch-checkpoint, partition.metadata, meta.properties and durable-mark", d.source.show(name))
	}
	if err := d.out.begin(d.source.show(name)); err != nil {
		return err
	}
	switch k {
	case logFile:
		return d.log(name)
	case offsetIndex, timeIndex, txnIndex:
		return d.index(name, k, base)
	}
	return d.smallFile(name, k)
}

// smallFile prints a file that is read as a whole.
func (d *dumper) smallFile(name string, k kind) error {
	b, err := d.source.small(name)
	if err != nil {
		return err
	}
	d.meter.add(int64(len(b)))
	rows, err := smallRows(k, b)
	for _, r := range rows {
		if err := d.out.print(r); err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", d.source.show(name), err)
	}
	return nil
}

func smallRows(k kind, b []byte) ([]row, error) {
	switch k {
	case producerSnapshot:
		return snapshotRows(b)
	case epochCheckpoint:
		return epochRows(b)
	case durableMark:
		return markRows(b)
	}
	return propertyRows(b), nil // partition.metadata, meta.properties
}
