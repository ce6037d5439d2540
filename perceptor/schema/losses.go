package schema

// Loss is of a table whose rows a statement takes, or of which it puts others in their place, without an event for each.
type Loss struct {
	Name
	Kind LossKind
}

// LossKind is how rows are lost.
type LossKind uint8

const (
	// Truncated: TRUNCATE TABLE. The table has no rows behind the statement.
	Truncated LossKind = iota + 1
	// Dropped: DROP TABLE, DROP DATABASE (Table is empty then), or CREATE OR REPLACE TABLE. What had this name has no rows behind the statement.
	Dropped
	// Renamed: the rows have another name behind the statement, and another table may have this one.
	Renamed
	// Partly: partitions were dropped, truncated, exchanged or converted, a tablespace was discarded or imported, or rows of the same key were
	// ignored. Which rows are concerned is not told.
	Partly
)

func (k LossKind) String() string {
	switch k {
	case Truncated:
		return "truncated"
	case Dropped:
		return "dropped"
	case Renamed:
		return "renamed"
	case Partly:
		return "changed in part"
	}
	return "no loss"
}

// Losses tells of which tables a statement of a binlog takes rows that no event tells of, in its order. Names without a database are in
// database, the one in use. What cannot be read has none.
func Losses(database, sql string) (all []Loss) {
	s := parse(database, sql)
	switch s.kind {
	case TruncateTable:
		return []Loss{{s.names[0], Truncated}}
	case DropTable, DropDatabase:
		for _, n := range s.names {
			all = append(all, Loss{n, Dropped})
		}
	case CreateTable:
		if s.replace {
			return []Loss{{s.names[0], Dropped}}
		}
	case AlterTable:
		all = s.altered()
	}
	for _, r := range s.renames {
		all = append(all, Loss{r[0], Renamed})
	}
	return all
}

// altered are the losses of an ALTER TABLE, but for renames.
func (s *statement) altered() (all []Loss) {
	table := s.names[0]
	lost := s.ignore
	body := *s.body
	for _, item := range body.items() {
		lost = lost || item.take("DROP", "PARTITION") || item.take("TRUNCATE", "PARTITION") || item.take("EXCHANGE", "PARTITION") ||
			item.take("CONVERT", "PARTITION") || item.take("CONVERT", "TABLE") || item.take("DISCARD") || item.take("IMPORT")
	}
	if lost {
		all = append(all, Loss{table, Partly})
	}
	for _, other := range s.exchanged {
		all = append(all, Loss{other, Partly})
	}
	return all
}
