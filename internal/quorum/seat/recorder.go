package seat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// recorder is the flight recorder: the controller's last events, encoded, in two chapters. A chapter begins at a moment
// when nothing is under way, with the image as it was, so that its events can be stepped through again. When the
// newer chapter is full the older is dropped.
type recorder struct {
	mu      sync.Mutex
	older   chapter
	newer   chapter
	several bool // as the controller was told last
}

// chapter is an image and what happened from there on.
type chapter struct {
	image    *metadata.Image // nil: there is none yet
	epoch    record.LeaderEpoch
	several  bool // at its beginning; see controller.Lead
	sequence uint64
	events   []byte // length uvarint | time, ns since 1970, uvarint | event, each
	broken   bool   // an event did not fit; what follows cannot be replayed
}

// Bounds of a chapter, in bytes.
const (
	ChapterBytes    = 128 << 10 // full; a new one begins at the next moment of rest
	ChapterBytesMax = 512 << 10 // what comes after it is not kept
)

// note keeps an event that is about to be stepped.
func (r *recorder) note(now time.Time, event controller.Event, c *controller.Controller) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if lead, ok := event.(*controller.Lead); ok {
		r.several = lead.Several
		r.begin(lead.Image, lead.Epoch, c)
		return
	}
	if len(r.newer.events) >= ChapterBytes && c.Idle() && c.Leading() {
		r.begin(c.Image(), r.newer.epoch, c)
	}
	if changed, ok := event.(*controller.SeveralChanged); ok {
		r.several = changed.Several
	}
	if r.newer.image == nil || r.newer.broken {
		return
	}
	one, ok := appendEvent(binary.AppendUvarint(nil, uint64(now.UnixNano())), event)
	if !ok || len(r.newer.events)+len(one) > ChapterBytesMax {
		r.newer.broken = true
		return
	}
	r.newer.events = append(binary.AppendUvarint(r.newer.events, uint64(len(one))), one...)
}

func (r *recorder) begin(image *metadata.Image, epoch record.LeaderEpoch, c *controller.Controller) {
	r.older = r.newer
	r.newer = chapter{image: image, epoch: epoch, several: r.several, sequence: c.Sequence()}
}

// Recording is the flight recorder's content: what the controller was told lately, and the image it was told it on. It
// holds the names of topics and the values of configurations.
//
//	"SKRC" | version u8 = 2 | chapter, once or twice
//	chapter: length u32 | cluster id: uvarint and bytes | offset, epoch, sequence, several uvarint | image: u32 and records | events
//
// Version 1 had no several.
func (s *Seat) Recording() []byte {
	r := &s.recorder
	r.mu.Lock()
	older, newer := r.older, r.newer
	r.mu.Unlock()
	out := append([]byte(recordingMagic), recordingVersion)
	for _, c := range []*chapter{&older, &newer} {
		if c.image != nil {
			out = c.append(out)
		}
	}
	return out
}

const (
	recordingMagic   = "SKRC"
	recordingVersion = 2
)

func (c *chapter) append(dst []byte) []byte {
	var b []byte
	b = binary.AppendUvarint(b, uint64(len(c.image.ClusterID())))
	b = append(b, c.image.ClusterID()...)
	b = binary.AppendUvarint(b, uint64(c.image.Offset+1))
	b = binary.AppendUvarint(b, uint64(c.epoch))
	b = binary.AppendUvarint(b, c.sequence)
	b = binary.AppendUvarint(b, flag(c.several))
	image := metadata.AppendRecords(nil, slices.Collect(c.image.Records())...)
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(image))), image...)
	b = append(b, c.events...)
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(b))), b...)
}

// Replay steps a controller of this configuration through a recording, chapter by chapter, and shows each event with
// what came of it. The effects are valid until each returns.
func Replay(recording []byte, config controller.Config, each func(now time.Time, event controller.Event, effects *controller.Effects)) error {
	if len(recording) < 5 || string(recording[:4]) != recordingMagic || recording[4] < 1 || recording[4] > recordingVersion {
		return fmt.Errorf("%w: it does not begin with %s and a version up to %d", errRecording, recordingMagic, recordingVersion)
	}
	for rest := recording[5:]; len(rest) > 0; {
		if len(rest) < 4 || int(binary.BigEndian.Uint32(rest)) > len(rest)-4 {
			return errRecording
		}
		size := int(binary.BigEndian.Uint32(rest))
		if err := replayChapter(rest[4:4+size], recording[4], config, each); err != nil {
			return err
		}
		rest = rest[4+size:]
	}
	return nil
}

func replayChapter(b []byte, version byte, config controller.Config, each func(time.Time, controller.Event, *controller.Effects)) error {
	r := &eventReader{b: b}
	clusterID := string(r.take(int(min(r.uvarint(), 1<<10))))
	offset, epoch, sequence := record.Offset(r.uvarint())-1, record.LeaderEpoch(r.uvarint()), r.uvarint()
	several := version >= 2 && r.uvarint() != 0
	records, err := metadata.DecodeRecords(r.take(int(binary.BigEndian.Uint32(r.take(4)))))
	if err := errors.Join(r.err, err); err != nil {
		return err
	}
	builder := metadata.NewBuilder(metadata.NewImage(clusterID))
	for _, record := range records {
		if err := builder.Apply(record); err != nil {
			return err
		}
	}
	builder.At(offset, epoch)
	image, _ := builder.Done()
	config.ClusterID = clusterID
	c := controller.New(config)
	var effects controller.Effects
	step := func(now time.Time, event controller.Event) {
		c.Step(now, event, &effects)
		each(now, event, &effects)
		effects.Reset()
	}
	step(time.Time{}, &controller.Lead{Epoch: epoch, Image: image, Several: several})
	for len(r.b) > 0 {
		one := &eventReader{b: r.take(int(min(r.uvarint(), ChapterBytesMax)))}
		now := time.Unix(0, int64(one.uvarint()))
		event, err := decodeEvent(one.b)
		if err := errors.Join(r.err, one.err, err); err != nil {
			return err
		}
		if committed, ok := event.(*controller.Committed); ok {
			committed.Sequence -= sequence // a controller counts from the start of its life
		}
		step(now, event)
	}
	return nil
}
