"""One member of a group, with kafka-python."""

import time

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor

import line


class Member(ConsumerRebalanceListener):
    """Counts positions itself, so that what is committed is what was reported."""

    def __init__(self, base, session, r):
        self.session, self.r, self.next = session, r, {}
        self.pace, self.uncommitted = line.Pace(r.get("ratemax", 0)), 0
        config = {"session_timeout_ms": r.get("session_ms"), "heartbeat_interval_ms": r.get("heartbeat_ms")}
        self.consumer = KafkaConsumer(**base, group_id=r["group"], enable_auto_commit=False, auto_offset_reset="earliest",
                                      partition_assignment_strategy=[RangePartitionAssignor],
                                      **{name: ms for name, ms in config.items() if ms})
        # Without the topic's metadata the library joins with no partitions and joins again at once.
        self.consumer.partitions_for_topic(r["topic"])
        self.consumer.subscribe([r["topic"]], listener=self)

    def on_partitions_assigned(self, assigned):
        self.session.emit("assigned", ps=[p.partition for p in assigned])

    def on_partitions_revoked(self, revoked):
        """Runs on the library's own thread, where a synchronous commit would wait for itself. The asynchronous one is
        on its way before the library joins again."""
        self.session.emit("revoked", ps=[p.partition for p in revoked])
        self.commit(False)
        for p in revoked:
            self.next.pop(p.partition, None)

    def on_partitions_lost(self, lost):
        self.next.clear()
        self.session.emit("lost", ps=[p.partition for p in lost])

    def commit(self, wait):
        if self.r["commit"] == "none" or not self.next:
            return
        self.session.flush()  # what is committed has been reported
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
            for m in (m for records in polled.values() for m in records):
                self.take(m)
                taken += 1
            self.session.flush()
            for _ in range(self.session.take_commits()):
                self.commit(True)
        self.commit(True)

    def take(self, m):
        self.pace.wait()
        self.next[m.partition] = m.offset + 1
        self.session.record(m.partition, m.offset, m.timestamp, m.key, m.value, m.headers)
        self.uncommitted += 1
        if self.uncommitted >= self.r["every"]:
            self.commit(self.r["commit"] == "sync")
            self.uncommitted = 0


def member(base, session, r):
    m = Member(base, session, r)
    try:
        m.run()
    finally:
        m.consumer.close(autocommit=False)
