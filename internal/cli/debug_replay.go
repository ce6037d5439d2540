package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/group"
)

// recordedLineMax bounds a line of a recording: an event is at most a request, in JSON.
const recordedLineMax = 256 << 20

func newDebugReplay() *cobra.Command {
	var (
		o    output
		only string
	)
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Decide a recording again, and print what each event led to",
		Long: "Give the events of a recording to the group coordinator's own code, one after the other, and print what each led to: records,\n" +
			"replies, timers, notes. Nothing is sent to anybody. Where it comes to a state that must not be, it says which, and the exit\n" +
			"code is 1. FILE - is stdin.",
		Args: exactly("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			in := c.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("recording: %w", err)
				}
				defer f.Close()
				in = f
			}
			out := bufio.NewWriterSize(c.OutOrStdout(), 64<<10)
			r := replay{out: out, json: o.format == "json", only: only}
			r.warn = func(format string, args ...any) { fmt.Fprintf(c.ErrOrStderr(), format+"\n", args...) }
			err := r.run(in)
			if bad := out.Flush(); err == nil {
				err = bad
			}
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return nil
		},
	}
	o.flag(c)
	c.Flags().StringVarP(&only, "group", "g", "", "print only events and effects of `GROUP`")
	return c
}

// replay is a shard that is given the events of a recording.
type replay struct {
	out   io.Writer
	json  bool
	only  string // a group, or ""
	warn  func(format string, args ...any)
	shard *group.Replayer
	fx    group.Effects
	line  int
	whole bool            // it begins with the load of the log
	known map[string]bool // groups whose state it has, or that were warned of
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
	return r.print(recorded)
}

// notice warns where the recording does not have what an event is decided by: a recording has the state of each group
// before its first event, or begins with the load of the log.
func (r *replay) notice(event group.Event) {
	id := group.GroupOf(event)
	switch e := event.(type) {
	case *group.Loaded:
		r.whole = true
	case *group.Restored:
		r.known[id] = true
		if e.Omitted {
			r.warn("group %s was too large for the recording: its next events are left out", printable(id))
		}
	default:
		if id != "" && !r.whole && !r.known[id] {
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
	case err != nil || kind.Recording != recordingKind:
		return errors.New("this is no recording; skein debug record makes one")
	case kind.Version != recordingVersion:
		return fmt.Errorf("the recording has version %d, this program reads version %d", kind.Version, recordingVersion)
	}
	var header recordingHeader
	if err := json.Unmarshal(text, &header); err != nil {
		return err
	}
	settings, err := recordedSettings(header.Settings)
	if err != nil {
		return err
	}
	r.shard, r.whole, r.known = group.NewReplayer(settings), false, map[string]bool{}
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

func instant(at group.Instant) string {
	return time.UnixMilli(int64(at)).UTC().Format("2006-01-02T15:04:05.000Z")
}
