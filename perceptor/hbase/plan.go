package hbase

import (
	"fmt"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/internal/arena"
)

// plan says where each column of a source table goes: Table, worked out for the columns that the source table has.
type plan struct {
	source *change.Table
	target *Table
	cells  []target // one for each column
	order  []int    // the columns that are written, those of one family together
}

type target struct {
	family, qualifier []byte
	digits            int
	skip              bool
}

func newPlan(source *change.Table, to *Table) (*plan, error) {
	p := &plan{source: source, target: to, cells: make([]target, len(source.Columns))}
	taken := map[string]string{}
	var families []string
	byFamily := map[string][]int{}
	for i, c := range source.Columns {
		mapped := to.Columns[c.Name]
		if mapped.Skip {
			p.cells[i].skip = true
			continue
		}
		if mapped.Family == "" {
			mapped.Family = to.family()
		}
		if mapped.Qualifier == "" {
			mapped.Qualifier = c.Name
		}
		place := mapped.Family + ":" + mapped.Qualifier
		if mapped.Family == UpdateInfo && reserved[mapped.Qualifier] {
			return nil, fmt.Errorf("%s: column %q would go to %s, which holds the row's version: map it to another", source, c.Name, place)
		}
		if other, twice := taken[place]; twice {
			return nil, fmt.Errorf("%s: columns %q and %q would both go to %s", source, other, c.Name, place)
		}
		taken[place] = c.Name
		p.cells[i] = target{family: []byte(mapped.Family), qualifier: []byte(mapped.Qualifier), digits: c.Scale}
		if _, known := byFamily[mapped.Family]; !known {
			families = append(families, mapped.Family)
		}
		byFamily[mapped.Family] = append(byFamily[mapped.Family], i)
	}
	for _, f := range families {
		p.order = append(p.order, byFamily[f]...)
	}
	return p, nil
}

// rowKey makes the key of the change's row.
func (p *plan) rowKey(c *change.Change, memory *arena.Arena) ([]byte, error) {
	const room = 64 // a longer one gets its own
	key, err := p.target.Key.appendKey(memory.Buffer(room)[:1], c.Image(), p.source.Key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.source, err)
	}
	return salted(memory.Keep(key), p.target.Salt), nil
}

// data makes the cells of a row, and tells which columns have to go because they are NULL. What is text or bytes is not copied.
func (p *plan) data(row change.Row, memory *arena.Arena) (cells []client.Cell, nulls []int, err error) {
	cells = make([]client.Cell, 0, len(p.order)+guardCells)
	for _, i := range p.order {
		to := &p.cells[i]
		switch v := row[i]; {
		case v.Kind == change.Missing:
			return nil, nil, fmt.Errorf("%s: column %q is not told: changes need full row images (binlog_row_image=FULL)", p.source, p.source.Columns[i].Name)
		case v.IsNull() && p.target.Nulls == NullsAbsent:
			nulls = append(nulls, i)
		case v.IsNull():
			cells = append(cells, client.Cell{Family: to.family, Qualifier: to.qualifier})
		default:
			value := p.target.Values.value(memory, v, to.digits)
			cells = append(cells, client.Cell{Family: to.family, Qualifier: to.qualifier, Value: value})
		}
	}
	return cells, nulls, nil
}
