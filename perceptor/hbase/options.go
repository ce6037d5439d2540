package hbase

import (
	"errors"
	"fmt"
	"time"

	"github.com/skein-io/skein/perceptor/hbase/client"
)

// Options are a Sink's.
type Options struct {
	Client client.Options
	// Tables says for each source table ("database.table") where its rows go. A change of another table is an error of that
	// change.
	Tables map[string]Table
	// Truncates names HBase's table in which the versions of truncates are kept, a row for each table that was truncated; Prepare
	// makes it. Empty: truncates are not applied. All sinks that write to a table must say the same. It costs a batch in which
	// not all changes are newer another read of one row.
	Truncates string
	// Now is the clock that tells the age of tombstones; nil means time.Now.
	Now func() time.Time
}

// Table says how rows of one table are written.
type Table struct {
	// Name is HBase's table, with its namespace if that is not the default one: "namespace:table".
	Name string
	// Family is where columns go that Columns does not name, each with its own name as the qualifier; empty means "d".
	Family string
	// Columns says of some source columns where they go.
	Columns map[string]Column
	Key     KeyFormat
	// Salt spreads rows over so many regions by a byte in front of the key; 0 is none, at most 256. It cannot be changed while
	// the table has rows.
	Salt   int
	Values ValueFormat
	Nulls  Nulls
}

// Column is where a source column goes. Empty fields mean what holds for columns that are not named.
type Column struct {
	Family, Qualifier string
	// Skip: it is not written.
	Skip bool
}

// Nulls is how NULL is written.
type Nulls uint8

const (
	// NullsAbsent: the cell is not there. An update with a NULL has to look which cells go, and costs a second round trip.
	NullsAbsent Nulls = iota
	// NullsEmpty: the cell is empty, as that of an empty text is. It costs nothing.
	NullsEmpty
)

// UpdateInfo is the family of what says which change a row is of.
const UpdateInfo = "update_info"

const defaultFamily = "d"

func (t *Table) check(source string) error {
	switch {
	case t.Name == "":
		return fmt.Errorf("table %s: the name of HBase's table is not told", source)
	case t.Salt < 0 || t.Salt > 256:
		return fmt.Errorf("table %s: salt is %d, not 0 to 256", source, t.Salt)
	case t.Key > KeyBytes || t.Values > ValuesBytes || t.Nulls > NullsEmpty:
		return fmt.Errorf("table %s: an unknown format", source)
	}
	return nil
}

// families are all column families that the table needs.
func (t *Table) families() []string {
	all := []string{UpdateInfo}
	add := func(name string) {
		for _, have := range all {
			if have == name {
				return
			}
		}
		all = append(all, name)
	}
	add(t.family())
	for _, c := range t.Columns {
		if !c.Skip && c.Family != "" {
			add(c.Family)
		}
	}
	return all
}

func (t *Table) family() string {
	if t.Family == "" {
		return defaultFamily
	}
	return t.Family
}

// check completes and checks options.
func (o *Options) check() error {
	if len(o.Tables) == 0 {
		return errors.New("the HBase sink has no tables")
	}
	for source, t := range o.Tables {
		if err := t.check(source); err != nil {
			return err
		}
		if t.Name == o.Truncates {
			return fmt.Errorf("table %s: %q is the table of the truncates' versions", source, t.Name)
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// SweepAgeMin is the least age of tombstones that Sweep removes: HBase hides what is written within the same millisecond as a
// delete, and clocks of its servers may differ.
const SweepAgeMin = time.Minute
