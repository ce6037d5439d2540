// Package nearest finds the name that was probably meant. It knows nothing of what is named. Start at Name.
package nearest

import "iter"

// Name is the one of names that is most like name, or "" if none is like it.
func Name(name string, names iter.Seq[string]) string {
	best, bestDistance := "", max(2, len(name)/4)+1
	for n := range names {
		if d := editDistance(name, n, bestDistance); d < bestDistance {
			best, bestDistance = n, d
		}
	}
	return best
}

// editDistance counts the letters to insert, remove or change to make b of a, and gives up at limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], limit)
}
