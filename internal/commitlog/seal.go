package commitlog

// sealIdleMs is after how long without an append a small active segment is sealed for compaction too, and sealBytesMin
// what it has to hold then: less than a block of the file system is not worth the work.
const (
	sealIdleMs   = 60_000
	sealBytesMin = 4096
)

// sealDirty seals the active segment if Config.CompactActiveBytes wants it: compaction touches sealed segments only, and
// a small log of large turnover would wait for segment.bytes of it. What is sealed is at least as much as all that was
// sealed before, so that it is worth the compaction that follows and the log stays within twice its live size and what
// is allowed to gather.
func (l *Log) sealDirty(now int64) error {
	enough := l.config.Load().CompactActiveBytes
	if enough <= 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	s := l.active()
	if s == nil {
		return nil
	}
	size := s.size.Load()
	idle := now-s.lastAppend >= sealIdleMs
	if size < min(sealBytesMin, enough) || size < l.Size()-size || size < enough && !idle {
		return nil
	}
	if _, err := l.rollAt(l.EndOffset(), now); err != nil {
		return err
	}
	l.enqueue() // the new segment's name must be durable before the old one's content is replaced
	return nil
}
