package check

import "slices"

// Row is one line of the checklist.
type Row struct {
	// ID is the checklist's, such as "J3".
	ID string
	// Asks says in a few words what is asked of the broker.
	Asks string
	// run asks it. It is nil for a row that nobody can see from outside.
	run func(*probe)
	// hidden is why nobody can; "" where run is set.
	hidden string
	// slow rows wait longer than others, so they start first.
	slow bool
	// several: the row is about a cluster. It moves what other rows stand on, so it runs when they are done.
	several bool
}

// BlackBox says whether the row can be seen from outside, given the right broker.
func (r *Row) BlackBox() bool { return r.run != nil }

// Rows are all lines of sections 2.1 to 2.7, in the checklist's order. Each id is there once.
func Rows() []Row {
	return slices.Concat(doorRows(), joinRows(), staticRows(), syncRows(), offsetRows(), adminRows(), storageRows())
}

// seen is a row that a client can see.
func seen(id, asks string, run func(*probe)) Row { return Row{ID: id, Asks: asks, run: run} }

// several is a row that a client can see in a cluster of several brokers.
func several(id, asks string, run func(*probe)) Row {
	return Row{ID: id, Asks: asks, run: run, several: true}
}

// Several are the ids of the rows that a single broker hides.
func Several() []string {
	var ids []string
	for _, row := range Rows() {
		if row.several {
			ids = append(ids, row.ID)
		}
	}
	return ids
}

// waits is a row that a client can see after some seconds.
func waits(id, asks string, run func(*probe)) Row {
	return Row{ID: id, Asks: asks, run: run, slow: true}
}

// hidden is a row that no client can see.
func hidden(id, asks, reason string) Row { return Row{ID: id, Asks: asks, hidden: reason} }
