package report

import (
	"encoding/json"
	"os"
	"slices"
	"time"
)

// Sample is what one measurement of one side gave.
type Sample struct {
	Figure     string             `json:"figure"`
	Side       string             `json:"side"`
	Repetition int                `json:"repetition"` // from 1
	At         time.Time          `json:"at"`
	Values     map[string]float64 `json:"values"`
}

// Run is everything that one run of the benchmark knows.
type Run struct {
	Started  time.Time         `json:"started"`
	Ended    time.Time         `json:"ended"`
	Machine  string            `json:"machine"`
	Versions map[string]string `json:"versions"`
	Commands []string          `json:"commands"`
	Settings map[string]string `json:"settings"`
	Samples  []Sample          `json:"samples"`
	Failures []string          `json:"failures,omitempty"`
}

// Spread is the median of some measurements, with the least and the greatest.
type Spread struct {
	Median, Min, Max float64
	N                int
}

// Spread gathers one value of one side. N is 0 if there is none.
func (r *Run) Spread(figure, side, value string) Spread {
	var all []float64
	for _, s := range r.Samples {
		if v, ok := s.Values[value]; ok && s.Figure == figure && s.Side == side {
			all = append(all, v)
		}
	}
	return spread(all)
}

// fastest is the side but skein with the greatest median of a value; "" if there is none.
func (r *Run) fastest(figure, value string) (side string) {
	most := 0.0
	for _, s := range r.Samples {
		if s.Figure != figure || s.Side == Skein {
			continue
		}
		if m := r.Spread(figure, s.Side, value).Median; m > most {
			side, most = s.Side, m
		}
	}
	return side
}

func spread(all []float64) Spread {
	if len(all) == 0 {
		return Spread{}
	}
	slices.Sort(all)
	middle := all[len(all)/2]
	if len(all)%2 == 0 {
		middle = (middle + all[len(all)/2-1]) / 2
	}
	return Spread{middle, all[0], all[len(all)-1], len(all)}
}

// Write keeps the run as JSON.
func (r *Run) Write(path string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// Read reads what Write wrote.
func Read(path string) (*Run, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r Run
	return &r, json.Unmarshal(text, &r)
}
