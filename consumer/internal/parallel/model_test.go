package parallel

import "time"

// model is what a scheduler is compared with: the same bookkeeping done in the plainest way, by looking at everything.
type model struct {
	cfg   Config
	held  map[int]*holding // by partition, the assignment that is held
	open  map[Ticket]*attempt
	turns int // items given so far
	parts int // partitions that may be held
	found []string
}

// holding is one assignment of a partition.
type holding struct {
	partition int
	start     int64 // the offset at which reading began
	records   []*fact
	below     Place // records below it were processed, and are not in records
	known     bool  // there are some
	reached   Place
	draining  bool
	dropped   bool
	frontier  Place // as it was told last
	waitsFrom int   // the turn from which on it had something that may run
	waits     bool
}

// fact is what has become of a record.
type fact struct {
	offset  int64
	epoch   int32
	key     []byte
	running bool
	done    bool
	lost    bool // was not in flight when its partition was drained
	tries   int
	until   time.Time // of its delay
}

type attempt struct {
	of     *holding
	record *fact
	since  time.Time
	told   bool
}

func newModel(cfg Config, parts int) *model {
	cfg.raise()
	return &model{parts: parts, cfg: cfg, held: map[int]*holding{}, open: map[Ticket]*attempt{}}
}

// sameLane tells whether a has to be processed before b starts, if it is in front of it.
func (m *model) sameLane(a, b *fact) bool {
	if m.cfg.Order == PerPartition {
		return true
	}
	return a.key != nil && b.key != nil && string(a.key) == string(b.key)
}

// may tells whether the i-th record could start.
func (m *model) may(h *holding, i int, now time.Time) bool {
	r := h.records[i]
	if h.draining || r.running || r.done || r.lost || r.until.After(now) {
		return false
	}
	for _, before := range h.records[:i] {
		if !before.done && m.sameLane(before, r) {
			return false
		}
	}
	return true
}

// runnable is the first record of a partition that could start, or nil.
func (m *model) runnable(h *holding, now time.Time) *fact {
	if h.draining {
		return nil
	}
	blocked := map[string]bool{}
	for _, r := range h.records {
		free := m.cfg.Order == PerKey && r.key == nil || !blocked[string(r.key)] && (m.cfg.Order == PerKey || len(blocked) == 0)
		if free && !r.running && !r.done && !r.lost && !r.until.After(now) {
			return r
		}
		if !r.done && (m.cfg.Order == PerPartition || r.key != nil) {
			blocked[string(r.key)] = true
		}
	}
	return nil
}

func (h *holding) left() int {
	n := 0
	for _, r := range h.records {
		if !r.done && !r.lost {
			n++
		}
	}
	return n
}

// place is the frontier by definition.
func (h *holding) place() (Place, bool) {
	at, known := h.below, h.known
	for _, r := range h.records {
		if !r.done {
			return at, known
		}
		at, known = Place{r.offset + 1, r.epoch}, true
	}
	return at, known
}

// span is the number of records behind the frontier.
func (h *holding) span() int {
	for i, r := range h.records {
		if !r.done {
			return len(h.records) - i
		}
	}
	return 0
}

func (m *model) left() int {
	n := 0
	for _, h := range m.held {
		n += h.left()
	}
	return n
}

// forget takes the records in front out that are processed. Behind the last of them is what was reached.
func (h *holding) forget() {
	for len(h.records) > 0 && h.records[0].done {
		h.below, h.known = Place{h.records[0].offset + 1, h.records[0].epoch}, true
		h.records = h.records[1:]
	}
	if len(h.records) == 0 && h.reached.Offset > h.below.Offset {
		h.below, h.known = h.reached, true
	}
}
