package check_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/check"
)

// toyLog is the smallest broker that keeps what it acknowledges: one partition in files of a few entries, sequence
// numbers of producers, one committed offset. It exists to have bugs planted in it: what the simulated disk, the
// simulated network and the checkers cannot find here, they will not find in a real one.
type toyLog struct {
	fs       disk.FS
	bug      bug
	entries  []entry
	file     disk.File // the newest
	position int64
	synced   int // entries that readers may see
	last     map[int64]retry
	offset   check.Committed
}

// entry is a record with what makes its batch recognisable.
type entry struct {
	Value    string
	Producer int64
	Sequence int32
}

// retry is the last batch of a producer and its offset.
type retry struct {
	sequence int32
	offset   record.Offset
}

// bug is one planted mistake.
type bug int

const (
	noBug bug = iota
	ackBeforeSync
	fileWithoutDirectory
	tornTailKept
	lastBatchCut
	duplicatesAppended
	producersForgotten
	internalOffsetForRetry
	readsBeforeSync
	failureAfterAppend
	readSkips
	commitNotSynced
	renameWithoutSync
	syncRetried
	cacheTrusted
	bugs
)

var bugNames = [bugs]string{"no bug", "acknowledges before the sync", "syncs the file and not its directory",
	"keeps a torn tail", "cuts the last whole batch", "appends duplicates", "forgets producers in a restart",
	"answers a retry with the log end", "shows what is not synced", "fails after appending", "skips a record in reads",
	"does not sync commits", "renames before it syncs", "tries a failed sync again",
	"trusts the cache after a failed sync"}

const entriesPerFile = 5

// openToyLog recovers what a crash left.
func openToyLog(fs disk.FS, b bug) (*toyLog, error) {
	l := &toyLog{fs: fs, bug: b, last: map[int64]retry{}, offset: check.Committed{Offset: check.NoOffset, LeaderEpoch: -1}}
	files, err := fs.List(".")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.Name == "offset" {
			if err := l.readOffset(); err != nil {
				return nil, err
			}
			continue
		}
		if f.Name != fileName(len(l.entries)) {
			if err := fs.RemoveAll(f.Name); err != nil { // left by a crash
				return nil, err
			}
			continue
		}
		if err := l.recoverFile(f.Name); err != nil {
			return nil, err
		}
	}
	if l.bug == producersForgotten {
		clear(l.last)
	}
	return l, l.sync()
}

func fileName(first int) string { return fmt.Sprintf("%08d.log", first) }

// recoverFile reads the entries of a file and cuts what is torn.
func (l *toyLog) recoverFile(name string) error {
	f, err := l.fs.Open(name)
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err != nil {
		return err
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil {
		return err
	}
	l.file, l.position = f, 0
	for at := int64(0); at+8 <= size; {
		length, sum := int64(binary.BigEndian.Uint32(b[at:])), binary.BigEndian.Uint32(b[at+4:])
		if length == 0 || at+8+length > size {
			break
		}
		body := b[at+8 : at+8+length]
		var e entry
		switch bad := crc32.ChecksumIEEE(body) != sum || json.Unmarshal(body, &e) != nil; {
		case bad && l.bug == tornTailKept:
			e = entry{Value: string(body)}
		case bad:
			length, size = 0, at // a torn tail
		}
		if size > at {
			at += 8 + length
			l.remember(e)
			l.position = at
		}
	}
	if l.bug == lastBatchCut && len(l.entries) > 0 && l.position > 0 {
		l.entries = l.entries[:len(l.entries)-1]
		return l.file.Truncate(0) // the toy is crude
	}
	return l.rewrite(b)
}

// rewrite writes what was recovered once more: if the process before this one ended because a sync failed, the cache
// shows bytes that are not on the disk and that no sync will bring there.
func (l *toyLog) rewrite(b []byte) error {
	if err := l.file.Truncate(l.position); err != nil || l.bug == cacheTrusted {
		return err
	}
	_, err := l.file.WriteAt(b[:l.position], 0)
	return err
}

func (l *toyLog) remember(e entry) {
	l.last[e.Producer] = retry{e.Sequence, record.Offset(len(l.entries))}
	l.entries = append(l.entries, e)
}

// append takes one record and returns its offset; durable tells whether it was there already.
func (l *toyLog) append(e entry) (offset record.Offset, err error) {
	if last, ok := l.last[e.Producer]; ok && last.sequence == e.Sequence && l.bug != duplicatesAppended {
		if l.bug == internalOffsetForRetry {
			return record.Offset(len(l.entries)), nil
		}
		return last.offset, nil
	}
	if l.file == nil || len(l.entries)%entriesPerFile == 0 {
		if err := l.roll(); err != nil {
			return 0, err
		}
	}
	body, err := json.Marshal(e)
	if err != nil {
		return 0, err
	}
	framed := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	framed = binary.BigEndian.AppendUint32(framed, crc32.ChecksumIEEE(body))
	framed = append(framed, body...)
	if _, err := l.file.WriteAt(framed, l.position); err != nil {
		return 0, err
	}
	l.position += int64(len(framed))
	l.remember(e)
	return record.Offset(len(l.entries) - 1), nil
}

func (l *toyLog) roll() (err error) {
	if err := l.sync(); err != nil {
		return err
	}
	l.position = 0
	l.file, err = l.fs.Create(fileName(len(l.entries)))
	if err == nil && l.bug != fileWithoutDirectory {
		err = l.fs.SyncDir(".")
	}
	return err
}

// sync makes everything appended durable, and visible.
func (l *toyLog) sync() error {
	if l.file != nil {
		err := l.file.Sync()
		if err != nil && l.bug == syncRetried && !errors.Is(err, disk.ErrCrashed) {
			err = l.file.Sync()
		}
		if err != nil {
			return err
		}
	}
	l.synced = len(l.entries)
	return nil
}

func (l *toyLog) read(from record.Offset) []check.Record {
	end := l.synced
	if l.bug == readsBeforeSync {
		end = len(l.entries)
	}
	var records []check.Record
	for o := int(from); o < end && len(records) < 3; o++ {
		if l.bug == readSkips && o%17 == 16 {
			continue
		}
		records = append(records, check.Record{Partition: toyPartition, Offset: record.Offset(o), Value: l.entries[o].Value})
	}
	return records
}

var toyPartition = check.Partition{Topic: "toy"}

func (l *toyLog) commit(c check.Committed) error {
	if err := l.fs.RemoveAll("offset.tmp"); err != nil {
		return err
	}
	f, err := l.fs.Create("offset.tmp")
	if err != nil {
		return err
	}
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if err == nil && l.bug != renameWithoutSync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = l.fs.Rename("offset.tmp", "offset"); err == nil && l.bug != commitNotSynced {
		err = l.fs.SyncDir(".")
	}
	if err == nil {
		l.offset = c
	}
	return err
}

func (l *toyLog) readOffset() error {
	f, err := l.fs.Open("offset")
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err != nil {
		return err
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil {
		return err
	}
	if err := json.Unmarshal(b, &l.offset); err != nil && l.bug != renameWithoutSync {
		return err
	}
	return f.Close()
}

// message is a request or an answer.
type message struct {
	Kind   check.Kind
	Entry  entry
	From   record.Offset
	Commit check.Committed

	Offset  record.Offset
	Records []check.Record
	Failed  string
}

// toyBroker runs a toyLog on a node: a sync each 3 ms answers all that waits for it.
type toyBroker struct {
	node    *sim.Node
	net     *sim.Network
	fs      *disk.Simulated
	bug     bug
	log     *toyLog
	waiting []func()
}

// boot opens the log and serves it. An error of the disk ends the process; it comes back on what is left.
func (b *toyBroker) boot() {
	b.waiting = nil
	log, err := openToyLog(b.fs, b.bug)
	if err != nil {
		b.node.Crash()
		return
	}
	b.log = log
	b.net.Listen(b.node, "broker", func(c *sim.Conn) {
		c.OnFrame = func(frame []byte) { b.serve(c, decode(frame)) }
	})
	b.round()
}

func (b *toyBroker) round() {
	b.node.After(3*millisecond, func() {
		if len(b.waiting) > 0 {
			if err := b.log.sync(); err != nil {
				b.node.Crash()
				return
			}
			for _, answer := range b.waiting {
				answer()
			}
			b.waiting = nil
		}
		b.round()
	})
}

func (b *toyBroker) serve(c *sim.Conn, m message) {
	answer := message{Kind: m.Kind}
	var err error
	switch m.Kind {
	case check.Send:
		answer.Offset, err = b.log.append(m.Entry)
		if b.bug == failureAfterAppend && answer.Offset%11 == 10 {
			answer.Failed = "MESSAGE_TOO_LARGE"
		}
	case check.Poll:
		answer.Records = b.log.read(m.From)
	case check.Commit:
		err = b.log.commit(m.Commit)
	case check.FetchOffset:
		answer.Commit = b.log.offset
	}
	switch {
	case err != nil:
		b.node.Crash()
	case m.Kind == check.Send && b.bug != ackBeforeSync:
		b.waiting = append(b.waiting, func() { c.Send(encode(answer)) })
	case m.Kind == check.Send:
		b.waiting = append(b.waiting, func() {})
		c.Send(encode(answer))
	default:
		c.Send(encode(answer))
	}
}

func encode(m message) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

func decode(b []byte) (m message) {
	if err := json.Unmarshal(b, &m); err != nil {
		panic(err)
	}
	return m
}
