"""Administration with kafka-python."""

from kafka import OffsetAndMetadata, TopicPartition
from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic, OffsetSpec


def create_topic(client, r):
    client.create_topics([NewTopic(r["topic"], num_partitions=r["count"], replication_factor=1, topic_configs=r.get("configs", {}))])


def list_topics(client, _):
    return {"topics": sorted(client.list_topics())}


def describe_topic(client, r):
    topic = client.describe_topics([r["topic"]])[0]
    check(topic["error_code"])
    return {"partitions": len(topic["partitions"])}


def check(code):
    if code != 0:
        raise RuntimeError(f"error code {code}")


def add_partitions(client, r):
    client.create_partitions({r["topic"]: r["count"]})


def delete_records(client, r):
    where = TopicPartition(r["topic"], r["partition"])
    return {"low": client.delete_records({where: r["offset"]})[where]["low_watermark"]}


def offsets(client, r):
    where = TopicPartition(r["topic"], r["partition"])
    return {name: client.list_partition_offsets({where: spec})[where].offset
            for name, spec in (("earliest", OffsetSpec.EARLIEST), ("latest", OffsetSpec.LATEST))}


def delete_topic(client, r):
    client.delete_topics([r["topic"]])


def describe_configs(client, r):
    found = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, r["topic"])], config_filter="all")
    return {"configs": {name: c["value"] or "" for name, c in found["topic"][r["topic"]].items()}}


def broker_configs(client, _):
    broker = str(client.describe_cluster()["brokers"][0]["broker_id"])
    found = client.describe_configs([ConfigResource(ConfigResourceType.BROKER, broker)], config_filter="all")
    return {"configs": {name: c["value"] or "" for name, c in found["broker"][broker].items()}}


def alter(client, r, changes, incremental):
    done = client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, r["topic"], configs=changes)], incremental=incremental)
    if done["topic"][r["topic"]] != "OK":
        raise RuntimeError(str(done))


def alter_configs(client, r):
    alter(client, r, r["configs"], False)


def incremental_configs(client, r):
    changes = {name: (AlterConfigOp.SET, value) for name, value in r.get("configs", {}).items()}
    changes |= {name: (AlterConfigOp.DELETE, None) for name in r.get("delete", [])}
    changes |= {name: (AlterConfigOp.APPEND, value) for name, value in r.get("append", {}).items()}
    alter(client, r, changes, True)


def list_groups(client, _):
    return {"groups": sorted(g["group_id"] for g in client.list_groups())}


def describe_group(client, r):
    group = client.describe_groups([r["group"]])[r["group"]]
    return {"state": group["group_state"], "members": len(group["members"])}


def group_offsets(client, r):
    found = client.list_group_offsets([r["group"]])[r["group"]]
    return {"offsets": {str(p.partition): o.offset for p, o in found.items() if p.topic == r["topic"]}}


def settled(answers):
    for where, answer in answers.items():
        if getattr(answer, "errno", 0) != 0:
            raise RuntimeError(f"{where}: {answer}")


def reset_offsets(client, r):
    wanted = {TopicPartition(r["topic"], int(p)): OffsetAndMetadata(o, "", -1) for p, o in r["offsets"].items()}
    settled(client.alter_group_offsets(r["group"], wanted))


def delete_offsets(client, r):
    settled(client.delete_group_offsets(r["group"], [TopicPartition(r["topic"], p) for p in r["partitions"]]))


def delete_group(client, r):
    done = client.delete_groups([r["group"]])[r["group"]]
    if done != "OK":
        raise RuntimeError(str(done))


def describe_cluster(client, _):
    cluster = client.describe_cluster()
    return {"brokers": len(cluster["brokers"]), "cluster": cluster["cluster_id"]}


def handlers(base):
    calls = [create_topic, list_topics, describe_topic, add_partitions, delete_records, offsets, delete_topic,
             describe_configs, broker_configs, alter_configs, incremental_configs, list_groups, describe_group,
             group_offsets, reset_offsets, delete_offsets, delete_group, describe_cluster]

    def bound(call):
        def handle(_, r):
            client = KafkaAdminClient(**base)
            try:
                return call(client, r)
            finally:
                client.close()
        return handle
    return {call.__name__: bound(call) for call in calls}
