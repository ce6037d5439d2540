"""Administration with confluent-kafka-python."""

import confluent_kafka as ck
from confluent_kafka import admin as cka


def create_topic(client, r):
    topic = cka.NewTopic(r["topic"], num_partitions=r["count"], replication_factor=1, config=r.get("configs", {}))
    client.create_topics([topic])[r["topic"]].result(30)


def list_topics(client, _):
    return {"topics": sorted(client.list_topics(timeout=20).topics)}


def describe_topic(client, r):
    described = client.describe_topics(ck.TopicCollection([r["topic"]]))[r["topic"]].result(30)
    return {"partitions": len(described.partitions)}


def add_partitions(client, r):
    client.create_partitions([cka.NewPartitions(r["topic"], r["count"])])[r["topic"]].result(30)


def delete_records(client, r):
    where = ck.TopicPartition(r["topic"], r["partition"], r["offset"])
    return {"low": client.delete_records([where])[where].result(30).low_watermark}


def offsets(client, r):
    where, found = ck.TopicPartition(r["topic"], r["partition"]), {}
    for name, spec in (("earliest", cka.OffsetSpec.earliest()), ("latest", cka.OffsetSpec.latest())):
        found[name] = client.list_offsets({where: spec})[where].result(30).offset
    return found


def delete_topic(client, r):
    client.delete_topics([r["topic"]])[r["topic"]].result(30)


def resource(r):
    return cka.ConfigResource(cka.ResourceType.TOPIC, r["topic"])


def values(client, which):
    entries = client.describe_configs([which])[which].result(30)
    return {"configs": {name: entry.value or "" for name, entry in entries.items()}}


def describe_configs(client, r):
    return values(client, resource(r))


def broker_configs(client, _):
    broker = next(iter(client.list_topics(timeout=20).brokers))
    return values(client, cka.ConfigResource(cka.ResourceType.BROKER, str(broker)))


def alter_configs(client, r):
    which = resource(r)
    for name, value in r["configs"].items():
        which.set_config(name, value)
    client.alter_configs([which])[which].result(30)


def incremental_configs(client, r):
    op = cka.AlterConfigOpType
    changes = [cka.ConfigEntry(n, v, incremental_operation=op.SET) for n, v in r.get("configs", {}).items()]
    changes += [cka.ConfigEntry(n, None, incremental_operation=op.DELETE) for n in r.get("delete", [])]
    changes += [cka.ConfigEntry(n, v, incremental_operation=op.APPEND) for n, v in r.get("append", {}).items()]
    which = cka.ConfigResource(cka.ResourceType.TOPIC, r["topic"], incremental_configs=changes)
    client.incremental_alter_configs([which])[which].result(30)


def list_groups(client, _):
    return {"groups": sorted(g.group_id for g in client.list_consumer_groups().result(30).valid)}


def describe_group(client, r):
    group = client.describe_consumer_groups([r["group"]])[r["group"]].result(30)
    return {"state": group.state.name, "members": len(group.members)}


def group_offsets(client, r):
    asked = ck.ConsumerGroupTopicPartitions(r["group"])
    answer = client.list_consumer_group_offsets([asked])[r["group"]].result(30)
    return {"offsets": {str(p.partition): p.offset for p in answer.topic_partitions if p.topic == r["topic"]}}


def reset_offsets(client, r):
    wanted = [ck.TopicPartition(r["topic"], int(p), o) for p, o in r["offsets"].items()]
    answer = client.alter_consumer_group_offsets([ck.ConsumerGroupTopicPartitions(r["group"], wanted)])[r["group"]].result(30)
    for p in answer.topic_partitions:
        if p.error:
            raise ck.KafkaException(p.error)


def delete_group(client, r):
    client.delete_consumer_groups([r["group"]])[r["group"]].result(30)


def describe_cluster(client, _):
    cluster = client.describe_cluster().result(30)
    return {"brokers": len(cluster.nodes), "cluster": cluster.cluster_id}


def handlers(base):
    client = cka.AdminClient(base)
    calls = [create_topic, list_topics, describe_topic, add_partitions, delete_records, offsets, delete_topic,
             describe_configs, broker_configs, alter_configs, incremental_configs, list_groups, describe_group,
             group_offsets, reset_offsets, delete_group, describe_cluster]
    return {call.__name__: lambda _, r, call=call: call(client, r) for call in calls}
