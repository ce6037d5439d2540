package check

import "testing"

func TestLostWrite(t *testing.T) {
	for _, c := range []struct {
		name  string
		b     *builder
		found bool
	}{
		{"acknowledged and passed", history().send("p", "a@0").send("p", "b@1").poll("r", "b@1"), true},
		{"read by somebody", history().send("p", "a@0").send("p", "b@1").poll("r", "b@1").poll("s", "a@0"), false},
		{"not reached yet", history().send("p", "a@0 b@1").poll("r", "a@0"), false},
		{"unknown outcome", history().send("p", "a@-").outcome(Info, "").send("p", "b@1").poll("r", "b@1"), false},
		{"failed", history().send("p", "a@-").outcome(Fail, "X").send("p", "b@1").poll("r", "b@1"), false},
		{"half of a batch of unknown outcome",
			history().send("p", "a@- b@-").outcome(Info, "").poll("r", "b@1"), true},
		{"the later half of such a batch is not reached",
			history().send("p", "a@- b@-").outcome(Info, "").poll("r", "a@0"), false},
		{"deleted", history().send("p", "a@0").send("p", "b@1").
			add(Operation{Kind: DeleteRecords, Positions: []Position{{t0, 1}}}).poll("r", "b@1"), false},
		{"the deletion failed", history().send("p", "a@0").send("p", "b@1").
			add(Operation{Kind: DeleteRecords, Outcome: Fail, Positions: []Position{{t0, 1}}}).poll("r", "b@1"), true},
		{"retention moved the log start", history().send("p", "a@0").send("p", "b@1").poll("r", "b@1").watermarks(1, 2), false},
	} {
		t.Run(c.name, func(t *testing.T) { wantIf(t, c.found, "lost-write", c.b) })
	}
}

func wantIf(t *testing.T, found bool, class string, b *builder) {
	t.Helper()
	if found {
		want(t, b, class)
	} else {
		want(t, b)
	}
}

func TestLostWriteInACompactedPartition(t *testing.T) {
	compacted := Options{Compacted: map[Partition]bool{t0: true}}
	wantWith(t, compacted, history().send("p", "k=a@0").send("p", "k=b@1").poll("r", "k=b@1"))
	wantWith(t, compacted, history().send("p", "k=a@0").send("p", "j=b@1").poll("r", "j=b@1"), "lost-write")
	want(t, history().send("p", "k=a@0").send("p", "k=b@1").poll("r", "k=b@1"), "lost-write")
}

func TestUnseen(t *testing.T) {
	complete := Options{Complete: true}
	wantWith(t, complete, history().send("p", "a@0").send("p", "b@1").poll("r", "a@0"), "unseen")
	wantWith(t, complete, history().send("p", "a@0"), "unseen")
	wantWith(t, complete, history().send("p", "a@-"), "unseen")
	wantWith(t, complete, history().send("p", "a@- b@-").outcome(Info, "").poll("r", "a@0"), "unseen")
	wantWith(t, complete, history().send("p", "a@-").outcome(Info, ""))
	wantWith(t, complete, history().send("p", "a@0").add(Operation{Kind: ListOffsets}).watermarks(1, 1))
	want(t, history().send("p", "a@0"))
}

func TestNeverSent(t *testing.T) {
	want(t, history().send("p", "a@0").poll("r", "a@0 x@1"), "never-sent")
	want(t, history().poll("r", "x@0"))
	other := history().send("p", "a@0").with(func(o *Operation) { o.Records[0].Partition = Partition{"t", 1} })
	want(t, other.poll("r", "a@0"), "never-sent")
}

func TestInconsistentOffsets(t *testing.T) {
	want(t, history().send("p", "a@0").send("q", "b@-").outcome(Info, "").poll("r", "a@0").poll("s", "b@0"), "inconsistent-offsets")
	twice := history().send("p", "a@0").send("q", "b@0").with(func(o *Operation) { o.Invoked = 1 })
	want(t, twice, "inconsistent-offsets")
}

func TestDuplicate(t *testing.T) {
	doubled := func() *builder { return history().send("p", "a@0").poll("r", "a@0 a@1") }
	want(t, doubled(), "duplicate")
	b := doubled()
	b.ops[0].Idempotent = false
	want(t, b)
	want(t, history().send("p", "a@0").send("q", "b@1").poll("r", "b@1 a@2").poll("s", "a@0 b@1 a@2"), "duplicate")
}

func TestFailedRead(t *testing.T) {
	want(t, history().send("p", "a@-").outcome(Fail, "MESSAGE_TOO_LARGE").poll("r", "a@0"), "G1a")
	want(t, history().send("p", "a@-").outcome(Info, "REQUEST_TIMED_OUT").poll("r", "a@0"))
	want(t, history().send("p", "a@-").outcome(Info, "").send("p", "a@-").outcome(Fail, "").poll("r", "a@0"))
}

func TestPollSkip(t *testing.T) {
	abc := func() *builder { return history().send("p", "a@0 b@1 c@2").poll("full", "a@0 b@1 c@2") }
	want(t, abc().assign("r", 0).poll("r", "a@0").poll("r", "c@2"), "poll-skip")
	want(t, abc().poll("r", "a@0 c@2"), "poll-skip")
	want(t, abc().assign("r", 0).poll("r", "b@1"), "poll-skip")
	want(t, abc().assign("r", 1).poll("r", "b@1").poll("r", "c@2"))
	want(t, abc().assign("r", -1).poll("r", "c@2"))
	want(t, abc().assign("r", 0).poll("r", "a@0").add(Operation{Process: "r", Kind: Crash}).poll("r", "c@2"))
	want(t, abc().assign("r", 0).poll("r", "a@0").add(Operation{Process: "r", Kind: Seek, Positions: []Position{{t0, 2}}}).
		poll("r", "c@2"))
	subscribed := Operation{Process: "r", Kind: Subscribe}
	want(t, abc().add(subscribed).poll("r", "a@0").poll("r", "c@2"))
	want(t, abc().add(subscribed).poll("r", "a@0 c@2"), "poll-skip")
	want(t, abc().assign("r", 0).poll("r", "a@0").watermarks(2, 3).poll("r", "c@2"))
	// Offsets at which nothing is known, such as control records, are no gap.
	want(t, history().send("p", "a@0").send("p", "b@5").poll("r", "a@0").poll("r", "b@5"))
}

func TestNonmonotonicPoll(t *testing.T) {
	ab := func() *builder { return history().send("p", "a@0 b@1") }
	want(t, ab().poll("r", "a@0 b@1").poll("r", "b@1"), "nonmonotonic-poll")
	want(t, ab().poll("r", "a@0 b@1").poll("r", "a@0"), "nonmonotonic-poll")
	want(t, ab().add(Operation{Process: "r", Kind: Subscribe}).poll("r", "b@1 a@0"), "nonmonotonic-poll")
	want(t, ab().add(Operation{Process: "r", Kind: Subscribe}).poll("r", "a@0 b@1").poll("r", "a@0"))
	want(t, ab().assign("r", 1).poll("r", "a@0 b@1"), "nonmonotonic-poll")
	want(t, ab().poll("r", "a@0 b@1").poll("s", "a@0 b@1"))
}

func TestNonmonotonicSend(t *testing.T) {
	want(t, history().send("p", "a@1").send("p", "b@0"), "nonmonotonic-send", "known-offset")
	want(t, history().send("p", "a@1 b@0"), "nonmonotonic-send")
	// Sends under way together: an idempotent producer keeps their order, another need not.
	want(t, history().send("p", "a@1").at(0, 100).send("p", "b@0").at(1, 99), "nonmonotonic-send")
	pipelined := history().send("p", "a@1").at(0, 100).send("p", "b@0").at(1, 99)
	pipelined.ops[0].Idempotent, pipelined.ops[1].Idempotent = false, false
	want(t, pipelined)
	sequential := history().send("p", "a@-").outcome(Info, "").at(0, 5).send("p", "b@0").poll("r", "b@0 a@1")
	sequential.ops[0].Idempotent, sequential.ops[1].Idempotent = false, false
	want(t, sequential, "nonmonotonic-send")
	want(t, history().send("p", "a@1").at(0, 100).send("q", "b@0").at(1, 99))
	// A second attempt at a batch is answered with the place of the first.
	want(t, history().send("p", "a@0").send("p", "b@1").send("p", "a@0"))
	// So is one whose first attempt had no answer, when a later batch was acknowledged before.
	want(t, history().send("p", "a@-").outcome(Info, "").send("p", "b@1").send("p", "a@0"))
	want(t, history().send("p", "a@-").outcome(Info, "").send("p", "b@1").send("p", "a@2"), "nonmonotonic-send")
}

func TestKnownOffset(t *testing.T) {
	want(t, history().send("p", "a@5").send("q", "b@4"), "known-offset")
	want(t, history().send("p", "a@5").at(0, 100).send("q", "b@4"))
	want(t, history().send("p", "a@-").outcome(Info, "").at(0, 100).poll("r", "a@5").send("q", "b@4").poll("s", "b@4"), "known-offset")
	want(t, history().add(Operation{Kind: ListOffsets}).watermarks(NoOffset, 3).send("q", "b@2"), "known-offset")
	want(t, history().add(Operation{Kind: ListOffsets}).watermarks(NoOffset, 3).send("q", "b@3"))
}

func TestWatermark(t *testing.T) {
	seen := func(b *builder, start, high int64) *builder {
		return b.add(Operation{Process: "r", Kind: ListOffsets, Watermarks: []Watermark{
			{t0, recordOffset(start), recordOffset(high)}}})
	}
	want(t, seen(seen(history(), 0, 5), 0, 4), "watermark")
	want(t, seen(seen(history(), 3, 5), 2, 5), "watermark")
	want(t, seen(seen(seen(history(), 0, 5), -1, -1), 0, 5))
	want(t, seen(seen(history(), 0, 5).at(10, 100), 0, 4))
	want(t, seen(seen(history(), 0, 5), 0, 4).outcome(Fail, "OFFSET_NOT_AVAILABLE"))
	b := seen(seen(history(), 0, 5), 0, 4)
	b.last().Process = "s"
	want(t, b)
}

func TestRetryOffset(t *testing.T) {
	numbered := func(b *builder, records string, sequence int32) *builder {
		return b.send("p", records).with(func(o *Operation) { o.Producer = &Producer{ID: 7, Sequence: sequence} })
	}
	want(t, numbered(numbered(history(), "a@0", 0), "a@0", 0))
	want(t, numbered(numbered(history(), "a@0", 0), "a@1", 0), "retry-offset", "duplicate")
	want(t, numbered(numbered(history(), "a@0", 0), "a@-", 0), "retry-offset")
	want(t, numbered(numbered(history(), "a@-", 0), "a@-", 0))
	b := numbered(history(), "a@0", 0)
	for i, v := range []string{"b@1", "c@2", "d@3", "e@4", "f@5"} {
		b = numbered(b, v, int32(i+1))
	}
	want(t, numbered(b, "a@-", 0)) // five newer batches: the broker may have forgotten
	want(t, numbered(b, "b@-", 1), "retry-offset")
	other := numbered(numbered(history(), "a@0", 0), "b@1", 0)
	other.last().Producer.Epoch = 1
	want(t, other)
}

func TestWatermarksOfReplicas(t *testing.T) {
	replicated := Options{Replicated: true}
	seen := func(b *builder, start, high int64) *builder {
		return b.add(Operation{Process: "r", Kind: ListOffsets}).watermarks(recordOffset(start), recordOffset(high))
	}
	wantWith(t, replicated, seen(seen(history(), -1, 5), -1, 4), "watermark")
	wantWith(t, replicated, seen(history().poll("r", "").watermarks(0, 5), -1, 4))
	wantWith(t, replicated, seen(seen(history(), 3, -1), 2, -1))
}

func TestDeletedRecords(t *testing.T) {
	deleted := func(o Outcome) *builder {
		return history().add(Operation{Kind: DeleteRecords, Outcome: o, Positions: []Position{{t0, 3}}})
	}
	began := func(b *builder, start int64) *builder {
		return b.add(Operation{Process: "r", Kind: ListOffsets}).watermarks(recordOffset(start), NoOffset)
	}
	want(t, began(deleted(OK), 2), "deleted-record")
	want(t, began(deleted(OK), 3))
	want(t, began(deleted(Info), 2))
	want(t, began(deleted(OK), 2).at(0, 5))
}
