package record

// FirstAt finds the first record whose timestamp is at least the one given, in milliseconds since 1970: what
// ListOffsets answers for a time. ok is false when all are older. The batch is a stored one.
func (b Batch) FirstAt(timestamp int64, limits Limits) (offset Offset, found int64, ok bool, err error) {
	defer b.takeTurn()() // a thousand clients may ask at once of the batch that is largest when decompressed
	r := b.Records(limits)
	defer r.Close()
	for r.step() {
		if t := r.timestamp(); t >= timestamp {
			return b.BaseOffset() + Offset(r.last), t, true, nil
		}
	}
	return 0, NoTimestamp, false, r.Err()
}

// FirstFrom finds the batch's first record at or above an offset, and its timestamp; ok is false when none is left there.
func (b Batch) FirstFrom(from Offset, limits Limits) (offset Offset, timestamp int64, ok bool, err error) {
	defer b.takeTurn()()
	r := b.Records(limits)
	defer r.Close()
	for r.step() {
		if o := b.BaseOffset() + Offset(r.last); o >= from {
			return o, r.timestamp(), true, nil
		}
	}
	return 0, NoTimestamp, false, r.Err()
}

// OffsetOfMaxTimestamp finds the first record that has the batch's MaxTimestamp: what ListOffsets answers for -3
// (KIP-734). ok is false when none has it.
func (b Batch) OffsetOfMaxTimestamp(limits Limits) (offset Offset, ok bool, err error) {
	if b.MaxTimestamp() == NoTimestamp {
		return 0, false, nil
	}
	defer b.takeTurn()()
	r := b.Records(limits)
	defer r.Close()
	for r.step() {
		if r.timestamp() == b.MaxTimestamp() {
			return b.BaseOffset() + Offset(r.last), true, nil
		}
	}
	return 0, false, r.Err()
}
