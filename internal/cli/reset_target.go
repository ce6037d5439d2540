package cli

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// target is the place that a flag asks for.
func (o *resetOptions) target(c *cobra.Command, flag string, now time.Time) (startPlace, error) {
	switch flag {
	case "to-earliest":
		return startPlace{kind: fromEarliest}, nil
	case "to-current":
		return startPlace{kind: fromCommitted}, nil
	case "to-offset":
		if o.toOffset < 0 {
			return startPlace{}, misused(c, "--to-offset %d: it is at least 0", o.toOffset)
		}
		return startPlace{fromOffset, o.toOffset}, nil
	case "shift-by":
		return startPlace{fromShifted, o.shiftBy}, nil
	case "by-duration":
		d, ok := durationOf(o.byDuration)
		if !ok {
			return startPlace{}, misused(c, "--by-duration %q: it is a duration like 90m or PT90M", o.byDuration)
		}
		return startPlace{fromTime, max(0, now.Add(-d).UnixMilli())}, nil
	case "to-datetime":
		at, ok := datetimeOf(o.toDatetime)
		if !ok {
			return startPlace{}, misused(c, "--to-datetime %q: it is a time like 2026-11-20T12:00:00Z", o.toDatetime)
		}
		return startPlace{fromTime, max(0, at.UnixMilli())}, nil
	}
	return startPlace{kind: fromLatest}, nil
}

// datetimeOf understands RFC 3339 and Kafka's form, which may have no zone and is UTC then.
func datetimeOf(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// isoDuration is ISO 8601's form without years and months, as Kafka's tool takes it.
var isoDuration = regexp.MustCompile(`^P(?:(\d{1,5})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?$`)

// durationOf understands a duration of Go's or of ISO 8601, of at least 0.
func durationOf(text string) (time.Duration, bool) {
	if d, err := time.ParseDuration(text); err == nil {
		return d, d >= 0
	}
	parts := isoDuration.FindStringSubmatch(strings.ToUpper(text))
	if parts == nil || strings.HasSuffix(text, "P") || strings.HasSuffix(strings.ToUpper(text), "T") {
		return 0, false
	}
	var d time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if parts[i+1] == "" {
			continue
		}
		n, err := strconv.ParseFloat(parts[i+1], 64)
		if err != nil {
			return 0, false
		}
		d += time.Duration(n * float64(unit))
	}
	return d, true
}

// chosenTopics reads TOPIC and TOPIC:PARTITION,... A topic without partitions has all of them.
func chosenTopics(c *cobra.Command, texts []string) (map[string][]int32, error) {
	chosen := map[string][]int32{}
	for _, text := range texts {
		topic, list, some := strings.Cut(text, ":")
		if _, twice := chosen[topic]; twice || topic == "" {
			return nil, misused(c, "--topic %q: it is TOPIC or TOPIC:PARTITION,..., each topic once", text)
		}
		chosen[topic] = nil
		if !some {
			continue
		}
		for _, field := range strings.Split(list, ",") {
			n, err := strconv.ParseInt(field, 10, 32)
			if err != nil || n < 0 {
				return nil, misused(c, "--topic %q: %q is no partition", text, field)
			}
			chosen[topic] = append(chosen[topic], int32(n))
		}
		slices.Sort(chosen[topic])
	}
	return chosen, nil
}
