package parallel

// ordered is what a heap holds.
type ordered[E any] interface{ before(other E) bool }

// heap is a binary heap: the first element is before all others.
type heap[E ordered[E]] []E

func (h *heap[E]) push(e E) {
	*h = append(*h, e)
	h.up(len(*h) - 1)
}

func (h *heap[E]) pop() E {
	old := *h
	top, last := old[0], len(old)-1
	old[0] = old[last]
	var none E
	old[last] = none
	*h = old[:last]
	h.down(0)
	return top
}

// restore makes a heap of what was changed anyhow.
func (h *heap[E]) restore() {
	for i := len(*h)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h *heap[E]) up(i int) {
	for s := *h; i > 0; {
		parent := (i - 1) / 2
		if !s[i].before(s[parent]) {
			return
		}
		s[i], s[parent] = s[parent], s[i]
		i = parent
	}
}

func (h *heap[E]) down(i int) {
	for s := *h; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(s); child++ {
			if s[child].before(s[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
}
