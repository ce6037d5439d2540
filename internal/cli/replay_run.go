package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/group"
)

// recordedLineMax bounds a line of a recording: an event is at most a request, in JSON.
const recordedLineMax = 256 << 20

// replay is a shard that is given the events of a recording. A file may hold several, one after the other.
type replay struct {
	only string // a group, or ""
	warn func(format string, args ...any)
	tell func(*replayedStep) error // each step in order
	end  func() error              // of each recording

	header  api.RecordingHeader
	shard   *group.Replayer
	fx      group.Effects
	line    int
	last    group.Instant         // of the last event
	whole   bool                  // it begins with the load of the log
	known   map[string]bool       // groups whose state it has, or that were warned of
	sound   map[string]bool       // groups whose state it has
	looks   map[string]groupLook  // how groups were after the step before
	asked   map[group.Token]asked // requests that are not answered yet
	waiting []group.DeferredReply
	names   *shortNames
	differs int // snapshots that the replay did not come to
}

// groupLook is how a group is.
type groupLook struct {
	state      group.State
	generation int32
	members    int
}

func (r *replay) run(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), recordedLineMax)
	for lines.Scan() {
		r.line++
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		if err := r.take(text); err != nil {
			return fmt.Errorf("line %d: %w", r.line, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w", r.line+1, err)
	}
	if r.shard == nil {
		return errors.New("there is no recording in it")
	}
	if err := r.end(); err != nil {
		return err
	}
	if r.differs > 0 {
		return fmt.Errorf("the replay came to another state than was recorded, %s: another version of skein recorded it, or this one does not decide alike",
			plural(r.differs, "time"))
	}
	return nil
}

// take is a header, which begins a new shard, or an event.
func (r *replay) take(text []byte) error {
	if r.shard == nil || bytes.HasPrefix(text, []byte(`{"recording"`)) {
		return r.begin(text)
	}
	var recorded group.Recorded
	if err := json.Unmarshal(text, &recorded); err != nil {
		return err
	}
	r.notice(recorded.Event)
	skipped, err := r.step(recorded)
	if err != nil || skipped {
		return err
	}
	r.last = max(r.last, recorded.At)
	step := r.describe(recorded)
	if r.only != "" && !step.concerns(r.only) {
		return nil
	}
	return r.tell(step)
}

// notice warns where the recording does not have what an event is decided by: a recording has the state of each group
// before its first event, or begins with the load of the log. Where it has a state that the replay came to itself, the
// two are compared.
func (r *replay) notice(event group.Event) {
	id := group.GroupOf(event)
	switch e := event.(type) {
	case *group.Loaded:
		r.whole = true
	case *group.Restored:
		if r.sound[id] && !r.shard.Agrees(e) {
			r.differs++
			r.warn("line %d: group %s is not what the replay came to; it goes on with what was recorded", r.line, printable(id))
		}
		r.known[id], r.sound[id] = true, !e.Omitted
		if e.Omitted {
			r.warn("group %s was too large for the recording: its next events are left out", printable(id))
		}
	default:
		switch {
		case id == "" || r.known[id]:
		case r.whole:
			r.known[id], r.sound[id] = true, true
		default:
			r.known[id] = true
			r.warn("the recording has nothing of what group %s was before its first event: what was known then is missing here", printable(id))
		}
	}
}

func (r *replay) begin(text []byte) error {
	var kind struct {
		Recording string `json:"recording"`
		Version   int    `json:"version"`
	}
	switch err := json.Unmarshal(text, &kind); {
	case err != nil || kind.Recording != api.RecordingKind:
		return errors.New("this is no recording; skein debug record makes one")
	case kind.Version != api.RecordingVersion:
		return fmt.Errorf("the recording has version %d, this program reads version %d", kind.Version, api.RecordingVersion)
	}
	var header api.RecordingHeader
	if err := json.Unmarshal(text, &header); err != nil {
		return err
	}
	settings, err := recordedSettings(header.Settings)
	if err != nil {
		return err
	}
	if r.shard != nil {
		if err := r.end(); err != nil {
			return err
		}
	}
	r.header, r.shard, r.whole, r.last = header, group.NewReplayer(settings), false, 0
	r.known, r.sound, r.looks = map[string]bool{}, map[string]bool{}, map[string]groupLook{}
	r.asked, r.waiting, r.names = map[group.Token]asked{}, nil, newShortNames()
	r.fx.Reset()
	if header.OmittedBytes > 0 {
		r.warn("the oldest events, %s of them, were left out when it was recorded", size(header.OmittedBytes))
	}
	return nil
}

// recordedSettings makes what the shard decides by of the recorded properties.
func recordedSettings(values map[string]string) (group.Config, error) {
	var assignments []config.Assignment
	for _, name := range sortedKeys(values) {
		assignments = append(assignments, config.Assignment{Name: name, Value: values[name], Where: "recording"})
	}
	b, err := config.Resolve(assignments)
	if err != nil {
		return group.Config{}, err
	}
	settings := group.DefaultConfig()
	settings.SessionTimeoutMin = b.GroupSessionTimeoutMin
	settings.SessionTimeoutMax = b.GroupSessionTimeoutMax
	settings.SizeMax = b.GroupMaxSize
	settings.InitialDelay = b.GroupInitialRebalanceDelay
	settings.MetadataLengthMax = int(b.OffsetMetadataMax)
	settings.OffsetsRetention = b.OffsetsRetention
	settings.CleanupInterval = b.OffsetsRetentionCheck
	settings.HoldHeartbeats = b.HeartbeatHold
	return settings, nil
}

// step gives the shard one event. A panic is what a recording is often made for: it becomes the error.
func (r *replay) step(recorded group.Recorded) (skipped bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("at %s, %s: the coordinator came to a state that must not be: %v", instant(recorded.At), group.KindOf(recorded.Event), p)
		}
	}()
	r.fx.Reset()
	return r.shard.Step(recorded, &r.fx), nil
}

// groups are those that the recording has events of, or the one that is asked for.
func (r *replay) groups() []string {
	if r.only != "" {
		return []string{r.only}
	}
	return sortedKeys(r.known)
}
