package config

// nearest is the name of the registry that is most like name, or "" if none is like it.
func (r *Registry) nearest(name string) string {
	best, bestDistance := "", max(2, len(name)/4)+1
	for _, p := range r.all {
		if p.Internal {
			continue
		}
		if d := editDistance(name, p.Name, bestDistance); d < bestDistance {
			best, bestDistance = p.Name, d
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
