package tour

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/tour/lane"
)

// follower reads the flight recorder of the group's partition while the scene goes on, for the recorder keeps the last
// events only. It gives each event to the coordinator's own decisions: what they lead to now is what they led to then.
type follower struct {
	record func(partition int32, w io.Writer) error

	partition int32
	mu        sync.Mutex
	story     retelling
	read      []string // the newest lines that were read
	broken    error    // the recorder had forgotten events before they were read
}

// followEvery is how often the recorder is read. It keeps some hundred events.
const followEvery = 500 * time.Millisecond

// overlapMax is how many lines find the place in the recorder where the last reading ended.
const overlapMax = 8

// follow reads the recorder until the scene ends.
func (a *Act) follow(partition int32) {
	if a.broker.Record == nil {
		return
	}
	f := &follower{record: a.broker.Record, partition: partition, story: retelling{words: a.words, group: a.group, begun: a.begun, story: story{lanes: a.lanes},
		shard: group.New(settings()), state: "Dead", asked: map[group.Token]asking{}, heard: map[string]group.Instant{}}}
	a.follower = f
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(followEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				f.catchUp()
			case <-stop:
				return
			}
		}
	}()
	a.closing = append(a.closing, func() {
		close(stop)
		<-stopped
	})
}

// story is what the recorder told so far.
type story struct {
	lanes   []string
	rows    []lane.Row
	states  []string // that the group went through
	expired []expiry
}

// told is the story up to now.
func (a *Act) told() (story, error) {
	f := a.follower
	f.catchUp()
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.story.story
	return story{slices.Clone(s.lanes), slices.Clone(s.rows), slices.Clone(s.states), slices.Clone(s.expired)}, f.broken
}

func (f *follower) catchUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken == nil {
		f.broken = f.readOn()
	}
}

// readOn takes the events that came since the last reading.
func (f *follower) readOn() error {
	lines, err := recordedLines(f.record, f.partition)
	if err != nil {
		return err
	}
	from := 0
	if len(f.read) > 0 {
		if from = placeOf(f.read, lines); from < 0 {
			return errors.New("the flight recorder had forgotten events before they were read")
		}
	}
	for _, line := range lines[from:] {
		event, err := recordedEvent(line)
		if err != nil {
			return err
		}
		f.story.take(event)
	}
	f.read = slices.Clone(lines[max(len(lines)-overlapMax, 0):])
	return nil
}

// placeOf is the index after the lines that were read last, or -1.
func placeOf(read, lines []string) int {
	for end := len(lines); end >= len(read); end-- {
		if slices.Equal(lines[end-len(read):end], read) {
			return end
		}
	}
	return -1
}

// expiry is a session that ended.
type expiry struct {
	member    string        // client id
	at, heard group.Instant // the end, and the member's last request
}

// recordedLines are the events that a flight recorder has now, the oldest first.
func recordedLines(record func(int32, io.Writer) error, partition int32) ([]string, error) {
	var dump bytes.Buffer
	if err := record(partition, &dump); err != nil {
		return nil, err
	}
	return strings.FieldsFunc(dump.String(), func(r rune) bool { return r == '\n' }), nil
}

func recordedEvent(line string) (event group.Recorded, err error) {
	if err = json.Unmarshal([]byte(line), &event); err != nil {
		err = fmt.Errorf("the flight recorder: %w", err)
	}
	return event, err
}
