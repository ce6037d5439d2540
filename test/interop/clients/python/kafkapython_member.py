"""One member of a group, with kafka-python."""

import threading
import time

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor

import line

ASSIGNORS = {"range": RangePartitionAssignor, "cooperative-sticky": CooperativeStickyAssignor}


class Member(ConsumerRebalanceListener):
    """Counts positions itself, so that what is committed is what was reported."""

    def __init__(self, base, session, r):
        self.session, self.r, self.next, self.epochs, self.lock = session, r, {}, {}, threading.Lock()
        self.pace, self.uncommitted = line.Pace(r.get("ratemax", 0)), 0
        config = {"session_timeout_ms": r.get("session_ms"), "heartbeat_interval_ms": r.get("heartbeat_ms")}
        self.consumer = KafkaConsumer(**base, group_id=r["group"], enable_auto_commit=False, auto_offset_reset="earliest",
                                      partition_assignment_strategy=[ASSIGNORS[r.get("assignor", "range")]],
                                      **{name: ms for name, ms in config.items() if ms})
        # Without the topic's metadata the library joins with no partitions and joins again at once.
        self.consumer.partitions_for_topic(r["topic"])
        self.consumer.subscribe([r["topic"]], listener=self)

    def changed(self, partitions):
        """What was polled of these partitions before is no longer the member's: the library tells on its own thread,
        while the records of the last poll are being taken."""
        with self.lock:
            for p in partitions:
                self.epochs[p.partition] = self.epochs.get(p.partition, 0) + 1
                self.next.pop(p.partition, None)

    def on_partitions_assigned(self, assigned):
        self.changed(assigned)
        self.session.emit("assigned", ps=[p.partition for p in assigned])

    def on_partitions_revoked(self, revoked):
        """Runs on the library's own thread, where a synchronous commit would wait for itself. The asynchronous one is
        on its way before the library joins again."""
        self.session.emit("revoked", ps=[p.partition for p in revoked])
        self.commit(False)
        self.changed(revoked)

    def on_partitions_lost(self, lost):
        self.changed(lost)
        self.session.emit("lost", ps=[p.partition for p in lost])

    def commit(self, wait):
        if self.r["commit"] == "none" or not self.next:
            return
        self.session.flush()  # what is committed has been reported
        with self.lock:
            offsets = {TopicPartition(self.r["topic"], p): OffsetAndMetadata(o, "", -1) for p, o in self.next.items()}
        if wait:
            ms, error = line.timed(lambda: self.consumer.commit(offsets))
            self.session.emit("committed", ms=ms, error=error or "")
            return
        start = time.perf_counter()

        def answered(_, answer):
            error = repr(answer) if isinstance(answer, Exception) else ""
            self.session.emit("committed", ms=(time.perf_counter() - start) * 1000, error=error)

        self.consumer.commit_async(offsets, callback=answered)

    def run(self):
        taken, most = 0, self.r.get("max", 0)
        while not self.session.stopped and (not most or taken < most):
            # 3.0.12 gives up its join at the end of a poll, and hangs for good if that comes at the wrong moment, with
            # Apache Kafka too. A long poll makes that unlikely.
            polled = self.consumer.poll(timeout_ms=1000, max_records=min(100, most - taken) if most else 100)
            with self.lock:
                epochs = dict(self.epochs)
            for m in (m for records in polled.values() for m in records):
                taken += self.take(m, epochs.get(m.partition, 0))
            self.session.flush()
            for _ in range(self.session.take_commits()):
                self.commit(True)
        self.commit(True)

    def take(self, m, epoch):
        """Returns how many records it took: none if the partition has changed hands since the poll."""
        self.pace.wait()
        with self.lock:
            if self.epochs.get(m.partition, 0) != epoch:
                return 0
            self.next[m.partition] = m.offset + 1
            self.session.record(m.partition, m.offset, m.timestamp, m.key, m.value, m.headers)
        self.uncommitted += 1
        if self.uncommitted >= self.r["every"]:
            self.commit(self.r["commit"] == "sync")
            self.uncommitted = 0
        return 1


def member(base, session, r):
    m = Member(base, session, r)
    try:
        m.run()
    finally:
        m.consumer.close(autocommit=False)
