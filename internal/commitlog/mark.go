package commitlog

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// The durable mark: for each log of a directory, up to which offset its records were synced. One file of pages; the
// first is the header, then pairs of pages, the A and the B page of the same 64 logs. A log has a slot in each: one
// holds what was synced last, the other takes every write until the next sync, so that a torn write never takes the
// synced one. Big-endian.
//
//	header page     page 1 (A)          page 2 (B)          page 3 (A)
//	+------------+ +-------------------+-------------------+--------------------
//	| header     | | slots of logs     | slots of logs     | slots of logs
//	|            | | 0..63             | 0..63             | 64..127
//	+------------+ +-------------------+-------------------+--------------------
//
//	slot, 64 bytes
//	0       4     8         12        28          32       36       44       52      60
//	+-------+-----+---------+---------+-----------+--------+--------+--------+-------+------+
//	| crc   |flags| sequence| topic id| partition | epoch  | end    | start  | cut   | 0    |
//	| u32   | u32 | u32     | 16 bytes| int32     | int32  | int64  | int64  | int64 |      |
//	+-------+-----+---------+---------+-----------+--------+--------+--------+-------+------+
//
// The CRC-32C covers the slot behind it. Of a log's two slots the one with the higher sequence counts. A slot is
// written only after what it says has been synced, and is not synced itself but once a second, so what survives a crash
// is true and at worst stale. What takes a claim back (truncation, deletion) is synced before it is acted upon; because
// a later write never touches the slot that was synced, the claim cannot come back.
const (
	markFile      = "durable-mark"
	markPageSize  = 4096
	markSlotSize  = 64
	markSlots     = markPageSize / markSlotSize
	markMagic     = "skein durable mark"
	markVersion   = 1
	markBytesMax  = 1 << 30
	markHeaderLen = 32
)

// markKey names a log in the mark. Topic ids are never used twice, so a stale slot of a deleted topic says nothing
// about another.
type markKey struct {
	topicID   protocol.UUID
	partition int32
}

// markEntry is what the mark says of one log.
type markEntry struct {
	end   record.Offset      // records below are durable
	start record.Offset      // log start offset
	epoch record.LeaderEpoch // of the last durable record

	// cutting says that a truncation to cut was begun. Until it is taken back, nothing from there on may be served: what
	// is still there is to be removed, and what is gone may come back with the next loss of power.
	cutting bool
	cut     record.Offset

	// deleting says that the deletion of the log was begun: its folder goes, and nothing of it may be served.
	deleting bool
}

// Flags of a slot.
const (
	markCutting  = 1
	markDeleting = 2
)

type markSlot struct {
	key      markKey
	entry    markEntry
	sequence uint32
	side     uint8 // page of the pair that holds this: 0 is A, 1 is B
	fresh    bool  // not synced yet: the other side is what was synced
}

// markTable is the file and what it says. Safe for concurrent use.
type markTable struct {
	mu    sync.Mutex
	file  disk.File
	image []byte // the whole file
	slots []markSlot
	byKey map[markKey]int
	free  []int
	pages []int64 // to write
	fresh []int   // slots that have changed since the last sync
	dirty bool    // written since the last sync

	damaged bool // a pair of slots was found of which neither is whole: some log is not known that was

	// While a sync is under way nobody knows which side of a slot is the durable one: changes wait for its end.
	inFlight bool
	pending  map[markKey]markEntry

	syncing sync.Mutex // one sync at a time: who finds nothing to do knows that it is done
}

// openMark reads the mark, or makes an empty one. A file that is no mark is set aside by the caller's choice: it is an
// error here. fresh says that the file was made, so that its name has to be synced.
func openMark(fs disk.FS) (m *markTable, fresh bool, err error) {
	m = &markTable{byKey: map[markKey]int{}, pending: map[markKey]markEntry{}}
	m.file, err = fs.Open(markFile)
	if missing(err) {
		return m, true, m.create(fs)
	}
	if err != nil {
		return nil, false, err
	}
	size, err := m.file.Size()
	if err == nil && size > markBytesMax {
		err = fmt.Errorf("%s has %d bytes, more than it can have", markFile, size)
	}
	if err != nil {
		return nil, false, errors.Join(err, m.file.Close())
	}
	// A crash may have cut the file short or kept the header from the disk: what is missing says nothing.
	m.image = make([]byte, max(size, markPageSize))
	if size > 0 {
		if err := readFull(m.file, m.image[:size], 0); err != nil {
			return nil, false, errors.Join(err, m.file.Close())
		}
	}
	if err := checkMarkHeader(m.image); err != nil {
		return nil, false, errors.Join(err, m.file.Close())
	}
	m.load()
	return m, false, m.settle()
}

// settle makes durable what was read. It may be in the page cache alone, and the kernel may take it for written although
// a sync of the last life failed: so it is written again first.
func (m *markTable) settle() error {
	_, err := m.file.WriteAt(m.image, 0)
	if err == nil {
		err = m.file.Sync()
	}
	if err != nil {
		return errors.Join(err, m.file.Close())
	}
	return nil
}

func (m *markTable) create(fs disk.FS) (err error) {
	if m.file, err = fs.Create(markFile); err != nil {
		return err
	}
	m.image = make([]byte, markPageSize)
	putMarkHeader(m.image)
	if _, err := m.file.WriteAt(m.image, 0); err != nil {
		return err
	}
	return m.file.Sync()
}

func putMarkHeader(page []byte) {
	copy(page[4:], markMagic)
	binary.BigEndian.PutUint32(page[markHeaderLen-4:], markVersion)
	binary.BigEndian.PutUint32(page, crc32.Checksum(page[4:markHeaderLen], castagnoli))
}

// checkMarkHeader accepts a header that is whole and ours. One that is damaged is no reason to stop: the slots have
// checksums of their own; a whole one of a later version is.
func checkMarkHeader(page []byte) error {
	if binary.BigEndian.Uint32(page) != crc32.Checksum(page[4:markHeaderLen], castagnoli) {
		putMarkHeader(page)
		return nil
	}
	version := binary.BigEndian.Uint32(page[markHeaderLen-4:])
	if string(page[4:4+len(markMagic)]) != markMagic || version > markVersion {
		return fmt.Errorf("%s has version %d; this skein reads up to %d: start the newer one", markFile, version, markVersion)
	}
	return nil
}

func (m *markTable) load() {
	pairs := (len(m.image)/markPageSize - 1 + 1) / 2
	want := (1 + 2*pairs) * markPageSize
	m.image = append(m.image, make([]byte, max(0, want-len(m.image)))...)[:want]
	m.slots = make([]markSlot, pairs*markSlots)
	for i := len(m.slots) - 1; i >= 0; i-- {
		s, ok := m.newest(i)
		if !ok {
			m.damaged = m.damaged || !zero(m.slotBytes(i, 0)) || !zero(m.slotBytes(i, 1))
			m.free = append(m.free, i)
			continue
		}
		m.slots[i] = s
		// The same log twice: a slot was freed and taken again, and the write that freed it is lost. The lower end is true.
		if j, twice := m.byKey[s.key]; twice && m.slots[j].entry.end <= s.entry.end {
			continue
		}
		m.byKey[s.key] = i
	}
}

func (m *markTable) newest(i int) (markSlot, bool) {
	a, okA := decodeSlot(m.slotBytes(i, 0))
	b, okB := decodeSlot(m.slotBytes(i, 1))
	b.side = 1
	if okA && (!okB || int32(a.sequence-b.sequence) > 0) {
		return a, true
	}
	return b, okB
}

// slotAt is the byte where one side of a log's slot stands.
func slotAt(i int, side uint8) int64 {
	page := 1 + 2*(i/markSlots) + int(side)
	return int64(page)*markPageSize + int64(i%markSlots)*markSlotSize
}

func (m *markTable) slotBytes(i int, side uint8) []byte {
	at := slotAt(i, side)
	return m.image[at : at+markSlotSize]
}

func decodeSlot(b []byte) (markSlot, bool) {
	var s markSlot
	if binary.BigEndian.Uint32(b) != crc32.Checksum(b[4:markSlotSize], castagnoli) {
		return s, false
	}
	flags := binary.BigEndian.Uint32(b[4:])
	s.entry.cutting, s.entry.deleting = flags&markCutting != 0, flags&markDeleting != 0
	s.entry.cut = record.Offset(binary.BigEndian.Uint64(b[52:]))
	s.sequence = binary.BigEndian.Uint32(b[8:])
	copy(s.key.topicID[:], b[12:])
	s.key.partition = int32(binary.BigEndian.Uint32(b[28:]))
	s.entry.epoch = record.LeaderEpoch(binary.BigEndian.Uint32(b[32:]))
	s.entry.end = record.Offset(binary.BigEndian.Uint64(b[36:]))
	s.entry.start = record.Offset(binary.BigEndian.Uint64(b[44:]))
	ok := s.sequence > 0 && s.entry.start >= 0 && s.entry.end >= s.entry.start && (!s.entry.cutting || s.entry.cut >= s.entry.end)
	return s, ok
}

func encodeSlot(b []byte, s markSlot) {
	clear(b)
	flags := uint32(0)
	if s.entry.cutting {
		flags |= markCutting
		binary.BigEndian.PutUint64(b[52:], uint64(s.entry.cut))
	}
	if s.entry.deleting {
		flags |= markDeleting
	}
	binary.BigEndian.PutUint32(b[4:], flags)
	binary.BigEndian.PutUint32(b[8:], s.sequence)
	copy(b[12:], s.key.topicID[:])
	binary.BigEndian.PutUint32(b[28:], uint32(s.key.partition))
	binary.BigEndian.PutUint32(b[32:], uint32(s.entry.epoch))
	binary.BigEndian.PutUint64(b[36:], uint64(s.entry.end))
	binary.BigEndian.PutUint64(b[44:], uint64(s.entry.start))
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:markSlotSize], castagnoli))
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// get is what the mark says of a log; ok is false if nothing.
func (m *markTable) get(key markKey) (markEntry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.pending[key]; ok {
		return e, true
	}
	if i, ok := m.byKey[key]; ok {
		return m.slots[i].entry, true
	}
	return markEntry{}, false
}

// put notes an entry in memory; write brings it to the file.
func (m *markTable) put(key markKey, e markEntry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.inFlight {
		m.pending[key] = e
		return
	}
	m.apply(key, e)
}

func (m *markTable) apply(key markKey, e markEntry) {
	i, ok := m.byKey[key]
	if !ok {
		i = m.take(key)
	} else if m.slots[i].entry == e {
		return
	}
	s := &m.slots[i]
	s.key, s.entry = key, e
	if s.sequence++; s.sequence == 0 {
		s.sequence = 1
	}
	if !s.fresh {
		s.side, s.fresh = s.side^1, true
		m.fresh = append(m.fresh, i)
	}
	encodeSlot(m.slotBytes(i, s.side), *s)
	m.touch(slotAt(i, s.side) / markPageSize)
}

// take finds a free slot, or makes the file longer by a pair of pages.
func (m *markTable) take(key markKey) int {
	if len(m.free) == 0 {
		first := len(m.slots)
		m.slots = append(m.slots, make([]markSlot, markSlots)...)
		m.image = append(m.image, make([]byte, 2*markPageSize)...)
		for i := len(m.slots) - 1; i >= first; i-- {
			m.free = append(m.free, i)
		}
	}
	i := m.free[len(m.free)-1]
	m.free = m.free[:len(m.free)-1]
	m.byKey[key] = i
	return i
}

// remove frees the slot of a log whose folder is gone. A crash before the next sync may leave either side of it.
func (m *markTable) remove(key markKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.pending, key)
	i, ok := m.byKey[key]
	if !ok {
		return
	}
	delete(m.byKey, key)
	m.free = append(m.free, i)
	for side := range uint8(2) {
		clear(m.slotBytes(i, side))
		m.touch(slotAt(i, side) / markPageSize)
	}
	m.slots[i].key = markKey{}
}

func (m *markTable) touch(page int64) {
	if !slices.Contains(m.pages, page) {
		m.pages = append(m.pages, page)
	}
}

// write brings what put and remove noted to the file, a page at a time, without a sync.
func (m *markTable) write() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writeLocked()
}

func (m *markTable) writeLocked() error {
	slices.Sort(m.pages)
	for _, page := range m.pages {
		at := page * markPageSize
		if _, err := m.file.WriteAt(m.image[at:at+markPageSize], at); err != nil {
			return err
		}
		m.dirty = true
	}
	m.pages = m.pages[:0]
	return nil
}

// sync writes and makes durable what was noted before. A round may go on meanwhile.
func (m *markTable) sync() error {
	m.syncing.Lock()
	defer m.syncing.Unlock()
	m.mu.Lock()
	err := m.writeLocked()
	if err != nil || !m.dirty {
		m.mu.Unlock()
		return err
	}
	m.dirty, m.inFlight = false, true
	m.mu.Unlock()
	err = m.file.Sync()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inFlight = false
	if err != nil {
		return err
	}
	for _, i := range m.fresh {
		m.slots[i].fresh = false
	}
	m.fresh = m.fresh[:0]
	for _, key := range m.waiting() {
		m.apply(key, m.pending[key])
	}
	clear(m.pending)
	return nil
}

// waiting lists the keys of pending in an order that is the same in every run.
func (m *markTable) waiting() []markKey {
	keys := make([]markKey, 0, len(m.pending))
	for key := range m.pending {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b markKey) int {
		if c := bytes.Compare(a.topicID[:], b.topicID[:]); c != 0 {
			return c
		}
		return cmp.Compare(a.partition, b.partition)
	})
	return keys
}

// unsynced says whether sync has anything to do.
func (m *markTable) unsynced() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dirty || len(m.pages) > 0 || len(m.pending) > 0
}

// keys lists the logs that the mark knows.
func (m *markTable) keys() []markKey {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := make([]markKey, 0, len(m.byKey))
	for i := range m.slots {
		if j, ok := m.byKey[m.slots[i].key]; ok && j == i {
			keys = append(keys, m.slots[i].key)
		}
	}
	return keys
}

// deleting says whether the deletion of any log was begun and not ended.
func (m *markTable) deleting() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, i := range m.byKey {
		if m.slots[i].entry.deleting {
			return true
		}
	}
	return false
}
