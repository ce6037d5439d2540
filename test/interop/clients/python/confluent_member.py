"""One member of a group, with confluent-kafka-python."""

import time

import confluent_kafka as ck

import line


class Member:
    """Counts positions itself, so that what is committed is what was reported."""

    def __init__(self, base, session, r):
        self.session, self.r, self.next, self.sent = session, r, {}, {}
        config = {**base, "group.id": r["group"], "enable.auto.commit": False, "auto.offset.reset": "earliest",
                  "on_commit": self.committed}
        if r.get("protocol"):  # the broker decides about the rest
            config["group.protocol"] = r["protocol"]
        else:
            config["partition.assignment.strategy"] = r.get("assignor", "range")
            if r.get("session_ms"):
                config["session.timeout.ms"] = r["session_ms"]
            if r.get("heartbeat_ms"):
                config["heartbeat.interval.ms"] = r["heartbeat_ms"]
        self.consumer = ck.Consumer(config)
        self.consumer.subscribe([r["topic"]], on_assign=self.assigned, on_revoke=self.revoked, on_lost=self.lost)

    def assigned(self, _, partitions):
        self.session.emit("assigned", ps=[p.partition for p in partitions])

    def revoked(self, _, partitions):
        self.session.emit("revoked", ps=[p.partition for p in partitions])
        self.commit(True)
        for p in partitions:
            self.next.pop(p.partition, None)

    def lost(self, _, partitions):
        self.next.clear()
        self.session.emit("lost", ps=[p.partition for p in partitions])

    def committed(self, error, partitions):
        """Called from poll for an asynchronous commit; a synchronous one tells its own time."""
        if not self.sent:
            return
        problem = error or next((p.error for p in partitions if p.error), None)
        started = self.sent.pop(min(self.sent))
        self.session.emit("committed", ms=(time.perf_counter() - started) * 1000, error=str(problem) if problem else "")

    def commit(self, wait):
        if self.r["commit"] == "none" or not self.next:
            return
        self.session.flush()  # what is committed has been reported
        offsets = [ck.TopicPartition(self.r["topic"], p, o) for p, o in self.next.items()]
        if not wait:
            self.sent[len(self.sent) and max(self.sent) + 1] = time.perf_counter()
            self.consumer.commit(offsets=offsets, asynchronous=True)
            return
        sent, self.sent = self.sent, {}
        ms, error = line.timed(lambda: self.consumer.commit(offsets=offsets, asynchronous=False))
        self.sent = sent
        self.session.emit("committed", ms=ms, error=error or "")

    def run(self):
        pace, taken, uncommitted, most = line.Pace(self.r.get("ratemax", 0)), 0, 0, self.r.get("max", 0)
        while not self.session.stopped and (not most or taken < most):
            message = self.consumer.poll(0.05)
            if message is not None and not message.error():
                pace.wait()
                self.take(message)
                taken, uncommitted = taken + 1, uncommitted + 1
                if uncommitted >= self.r["every"]:
                    self.commit(self.r["commit"] == "sync")
                    uncommitted = 0
            elif message is not None:
                self.session.emit("trouble", error=str(message.error()))
            if message is None:
                self.session.flush()
            for _ in range(self.session.take_commits()):
                self.commit(True)
        self.commit(True)

    def take(self, message):
        self.next[message.partition()] = message.offset() + 1
        self.session.record(message.partition(), message.offset(), message.timestamp()[1], message.key(), message.value(),
                            message.headers())


def member(base, session, r):
    m = Member(base, session, r)
    try:
        m.run()
    finally:
        m.consumer.close()
