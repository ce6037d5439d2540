package envelope

import (
	"fmt"

	"github.com/skein-io/skein/perceptor/change"
)

// plan is a table, prepared: what is the same in each of its records is text already.
type plan struct {
	table   *change.Table
	columns []column
	names   [][]byte // "id":
	// The key is keyHead, then for each of its columns the name in keyNames and the value, then keyTail.
	keyHead, keyTail string
	keyNames         [][]byte
	// The value's constant parts, in the order in which the format's writer uses them.
	head, middle, tail string
}

func newPlan(t *change.Table, o *Options) (*plan, error) {
	p := &plan{table: t, keyHead: "{", keyTail: "}"}
	for i := range t.Columns {
		c := column{Column: t.Columns[i]}
		var err error
		if c.write, err = writerOf(o.Format, o, &c.Column); err != nil {
			return nil, fmt.Errorf("%s: %w", t, err)
		}
		p.columns = append(p.columns, c)
		p.names = append(p.names, append(appendQuoted(nil, c.Name), ':'))
	}
	for _, i := range t.Key {
		name := t.Columns[i].Name
		if o.Format == Maxwell {
			name = "pk." + name
		}
		p.keyNames = append(p.keyNames, append(appendQuoted(nil, name), ':'))
	}
	switch o.Format {
	case Debezium:
		p.debezium(o)
	case Canal:
		p.canal()
	case Maxwell:
		p.maxwell()
	}
	return p, nil
}

func quoted(s string) string { return string(appendQuoted(nil, s)) }
