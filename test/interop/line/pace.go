package line

import "time"

// Pace spreads records evenly over time.
type Pace struct {
	start time.Time
	rate  int
	taken int
}

// NewPace allows rate records a second; 0 means no bound.
func NewPace(rate int) *Pace { return &Pace{start: time.Now(), rate: rate} }

// Wait returns when the next record is due.
func (p *Pace) Wait() {
	if p.rate == 0 {
		return
	}
	due := p.start.Add(time.Duration(p.taken) * time.Second / time.Duration(p.rate))
	p.taken++
	if d := time.Until(due); d > time.Millisecond {
		time.Sleep(d)
	}
}
