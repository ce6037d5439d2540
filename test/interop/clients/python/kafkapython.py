"""Interop client program for kafka-python."""

import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

import kafkapython_admin
import line
from kafkapython_member import member

BROKER = sys.argv[1]
BASE = {"bootstrap_servers": BROKER, "client_id": "interop-kafka-python"}


def produce(session, r):
    producer = KafkaProducer(**BASE, compression_type=None if r["codec"] == "none" else r["codec"], acks="all",
                             enable_idempotence=r["idempotent"], linger_ms=5, max_block_ms=120000,
                             max_in_flight_requests_per_connection=5 if r["idempotent"] else 1)
    failed = []
    pace = line.Pace(r.get("rate", 0))
    for i in range(r["start"], r["start"] + r["count"]):
        if session.stopped:
            break
        pace.wait()
        sent = producer.send(r["topic"], key=line.key(r["tag"], i, r["keys"]).encode(),
                             value=line.value(r["tag"], i, r.get("size", 0)).encode(), headers=line.headers(r["tag"], i))
        sent.add_callback(lambda m, i=i: session.emit("ack", i=i, p=m.partition, o=m.offset))
        sent.add_errback(lambda error, i=i: failed.append(f"record {i}: {error!r}"))
    producer.flush(timeout=150)
    producer.close()
    if failed:
        raise RuntimeError(failed[0])


def consume(session, r):
    """Reads count records of the given partitions without a group."""
    consumer = KafkaConsumer(**BASE, group_id=None, enable_auto_commit=False)
    try:
        partitions = [TopicPartition(r["topic"], p) for p in r["partitions"]]
        consumer.assign(partitions)
        found = consumer.offsets_for_times({p: r["timestamp"] for p in partitions}) if r.get("bytime") else {}
        for p in partitions:
            consumer.seek(p, found[p].offset if p in found else r["offset"])
        taken = 0
        while taken < r["count"] and not session.stopped:
            for records in consumer.poll(timeout_ms=50, max_records=r["count"] - taken).values():
                for m in records:
                    taken += 1
                    session.record(m.partition, m.offset, m.timestamp, m.key, m.value, m.headers)
    finally:
        consumer.close()


line.Session().serve({"produce": produce, "consume": consume, "group": lambda s, r: member(BASE, s, r),
                      **kafkapython_admin.handlers(BASE)})
