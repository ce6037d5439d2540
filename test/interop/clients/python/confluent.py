"""Interop client program for confluent-kafka-python (librdkafka)."""

import sys

import confluent_kafka as ck

import confluent_admin
import line
from confluent_member import member

BROKER = sys.argv[1]
BASE = {"bootstrap.servers": BROKER, "client.id": "interop-confluent"}


def produce(session, r):
    producer = ck.Producer({**BASE, "compression.type": r["codec"], "enable.idempotence": r["idempotent"], "acks": "all",
                            "linger.ms": 5, "queue.buffering.max.messages": 1000000, "partitioner": "murmur2_random",
                            "max.in.flight": 5 if r["idempotent"] else 1})
    failed = []

    def report(i):
        def delivered(error, message):
            if error is not None:
                failed.append(f"record {i}: {error}")
            else:
                session.emit("ack", i=i, p=message.partition(), o=message.offset())
        return delivered

    pace = line.Pace(r.get("rate", 0))
    for i in range(r["start"], r["start"] + r["count"]):
        if session.stopped:
            break
        pace.wait()
        producer.produce(r["topic"], key=line.key(r["tag"], i, r["keys"]), value=line.value(r["tag"], i, r.get("size", 0)),
                         headers=line.headers(r["tag"], i), on_delivery=report(i))
        producer.poll(0)
    left = producer.flush(150)
    if failed or left:
        raise RuntimeError(failed[0] if failed else f"{left} records were not delivered")


def consume(session, r):
    """Reads count records of the given partitions without a group."""
    consumer = ck.Consumer({**BASE, "group.id": "unused", "enable.auto.commit": False, "auto.offset.reset": "error"})
    try:
        where = [ck.TopicPartition(r["topic"], p, r["timestamp"] if r.get("bytime") else r["offset"]) for p in r["partitions"]]
        if r.get("bytime"):
            where = consumer.offsets_for_times(where, timeout=20)
        consumer.assign(where)
        taken = 0
        while taken < r["count"] and not session.stopped:
            message = consumer.poll(0.05)
            if message is None:
                continue
            if message.error():
                raise ck.KafkaException(message.error())
            taken += 1
            session.record(message.partition(), message.offset(), message.timestamp()[1], message.key(), message.value(),
                           message.headers())
    finally:
        consumer.close()


line.Session().serve({"produce": produce, "consume": consume, "group": lambda s, r: member(BASE, s, r),
                      **confluent_admin.handlers(BASE)})
