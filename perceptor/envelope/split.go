package envelope

import "github.com/skein-io/skein/perceptor/change"

// KeyChanged reports whether an update gave the row another primary key.
func KeyChanged(c *change.Change) bool {
	if c.Op != change.Update || len(c.Before) != len(c.Table.Columns) || len(c.After) != len(c.Table.Columns) {
		return false
	}
	for _, i := range c.Table.Key {
		if !c.Before[i].Equal(c.After[i]) {
			return true
		}
	}
	return false
}

// Split makes of an update that changed the primary key the two changes that it is: the old row's delete and the new
// row's create. They have the update's version: they are changes of different rows.
func Split(c *change.Change) (del, create *change.Change) {
	return &change.Change{Op: change.Delete, Table: c.Table, Before: c.Before, Version: c.Version, Origin: c.Origin},
		&change.Change{Op: change.Create, Table: c.Table, After: c.After, Version: c.Version, Origin: c.Origin}
}
