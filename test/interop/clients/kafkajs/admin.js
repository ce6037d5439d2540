'use strict'
// Administration with kafkajs.

const { ConfigResourceTypes } = require('kafkajs')

const createTopic = async (admin, r) => {
  const configEntries = Object.entries(r.configs || {}).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ topics: [{ topic: r.topic, numPartitions: r.count, replicationFactor: 1, configEntries }] })
}

const describeTopic = async (admin, r) => {
  const { topics } = await admin.fetchTopicMetadata({ topics: [r.topic] })
  return { partitions: topics[0].partitions.length }
}

const addPartitions = async (admin, r) => {
  await admin.createPartitions({ topicPartitions: [{ topic: r.topic, count: r.count }] })
}

// The library finds leaders only of topics that this admin has asked about before.
const deleteRecords = async (admin, r) => {
  await admin.fetchTopicOffsets(r.topic)
  await admin.deleteTopicRecords({ topic: r.topic, partitions: [{ partition: r.partition, offset: String(r.offset) }] })
}

const offsets = async (admin, r) => {
  const found = (await admin.fetchTopicOffsets(r.topic)).find((p) => p.partition === r.partition)
  return { earliest: Number(found.low), latest: Number(found.high) }
}

const configs = async (admin, type, name) => {
  const { resources } = await admin.describeConfigs({ resources: [{ type, name }], includeSynonyms: false })
  const values = {}
  for (const entry of resources[0].configEntries) values[entry.configName] = entry.configValue || ''
  return { configs: values }
}

const describeConfigs = (admin, r) => configs(admin, ConfigResourceTypes.TOPIC, r.topic)

const brokerConfigs = async (admin) => {
  const { brokers } = await admin.describeCluster()
  return configs(admin, ConfigResourceTypes.BROKER, String(brokers[0].nodeId))
}

const alterConfigs = async (admin, r) => {
  const configEntries = Object.entries(r.configs).map(([name, value]) => ({ name, value }))
  await admin.alterConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: r.topic, configEntries }] })
}

const listGroups = async (admin) => ({ groups: (await admin.listGroups()).groups.map((g) => g.groupId) })

const describeGroup = async (admin, r) => {
  const { groups } = await admin.describeGroups([r.group])
  return { state: groups[0].state, members: groups[0].members.length }
}

const groupOffsets = async (admin, r) => {
  const found = {}
  for (const { partitions } of await admin.fetchOffsets({ groupId: r.group, topics: [r.topic] })) {
    for (const p of partitions) if (Number(p.offset) >= 0) found[p.partition] = Number(p.offset)
  }
  return { offsets: found }
}

const resetOffsets = async (admin, r) => {
  const partitions = Object.entries(r.offsets).map(([p, o]) => ({ partition: Number(p), offset: String(o) }))
  await admin.setOffsets({ groupId: r.group, topic: r.topic, partitions })
}

const calls = {
  describe_cluster: async (admin) => {
    const cluster = await admin.describeCluster()
    return { brokers: cluster.brokers.length, cluster: cluster.clusterId }
  },
  create_topic: createTopic,
  list_topics: async (admin) => ({ topics: await admin.listTopics() }),
  describe_topic: describeTopic,
  add_partitions: addPartitions,
  delete_records: deleteRecords,
  offsets,
  delete_topic: (admin, r) => admin.deleteTopics({ topics: [r.topic] }),
  describe_configs: describeConfigs,
  broker_configs: brokerConfigs,
  alter_configs: alterConfigs,
  list_groups: listGroups,
  describe_group: describeGroup,
  group_offsets: groupOffsets,
  reset_offsets: resetOffsets,
  delete_group: async (admin, r) => {
    await admin.deleteGroups([r.group])
  },
}

module.exports = (kafka) => {
  const handlers = {}
  for (const [name, call] of Object.entries(calls)) {
    handlers[name] = async (_, r) => {
      const admin = kafka.admin()
      await admin.connect()
      try {
        return await call(admin, r)
      } finally {
        await admin.disconnect()
      }
    }
  }
  return handlers
}
