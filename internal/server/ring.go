package server

// ring is a queue of requests that keeps its memory.
type ring struct {
	slots []*request // a power of two of them, or none
	head  int
	count int
}

func (q *ring) len() int { return q.count }

// at is the i-th request from the front.
func (q *ring) at(i int) *request { return q.slots[(q.head+i)&(len(q.slots)-1)] }

func (q *ring) push(r *request) {
	if q.count == len(q.slots) {
		slots := make([]*request, max(4, 2*len(q.slots)))
		for i := range q.count {
			slots[i] = q.at(i)
		}
		q.slots, q.head = slots, 0
	}
	q.slots[(q.head+q.count)&(len(q.slots)-1)] = r
	q.count++
}

func (q *ring) pop() *request {
	r := q.slots[q.head]
	q.slots[q.head] = nil
	q.head = (q.head + 1) & (len(q.slots) - 1)
	q.count--
	return r
}
