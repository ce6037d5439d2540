package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// versions is a range of versions, both ends included. The zero value is none.
type versions struct {
	low, high int16
	some      bool
}

const open = math.MaxInt16

// UnmarshalText reads "none", "3", "0-2" or "1+".
func (v *versions) UnmarshalText(text []byte) error {
	*v = versions{}
	s := string(text)
	if s == "none" || s == "" {
		return nil
	}
	low, high, isRange := strings.Cut(s, "-")
	if from, ok := strings.CutSuffix(s, "+"); ok {
		low, high, isRange = from, strconv.Itoa(open), true
	}
	if !isRange {
		high = low
	}
	l, err := strconv.ParseInt(low, 10, 16)
	if err != nil {
		return fmt.Errorf("versions %q: %w", s, err)
	}
	h, err := strconv.ParseInt(high, 10, 16)
	if err != nil {
		return fmt.Errorf("versions %q: %w", s, err)
	}
	*v = versions{int16(l), int16(h), true}
	return nil
}

func (v versions) intersect(o versions) versions {
	out := versions{max(v.low, o.low), min(v.high, o.high), v.some && o.some}
	if !out.some || out.low > out.high {
		return versions{}
	}
	return out
}

func (v versions) contains(version int16) bool {
	return v.some && v.low <= version && version <= v.high
}

// covers says whether every version of o is in v.
func (v versions) covers(o versions) bool { return !o.some || v.intersect(o) == o }

// within is the Go condition on version that holds for v and not for the rest of all: "true", "false" or a comparison.
func (v versions) within(all versions) string {
	in := v.intersect(all)
	switch {
	case !in.some:
		return "false"
	case in == all:
		return "true"
	case in.high == all.high:
		return fmt.Sprintf("version >= %d", in.low)
	case in.low == all.low:
		return fmt.Sprintf("version <= %d", in.high)
	case in.low == in.high:
		return fmt.Sprintf("version == %d", in.low)
	}
	return fmt.Sprintf("version >= %d && version <= %d", in.low, in.high)
}

func (v versions) String() string {
	switch {
	case !v.some:
		return "none"
	case v.high == open:
		return fmt.Sprintf("%d+", v.low)
	case v.low == v.high:
		return strconv.Itoa(int(v.low))
	}
	return fmt.Sprintf("%d-%d", v.low, v.high)
}
