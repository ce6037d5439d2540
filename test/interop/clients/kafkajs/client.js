'use strict'
// Interop client program for kafkajs.

const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = require('kafkajs')
const SnappyCodec = require('kafkajs-snappy')
const line = require('./line')
const administration = require('./admin')
const member = require('./member')

CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec

const kafka = new Kafka({
  clientId: 'interop-kafkajs',
  brokers: [process.argv[2]],
  logLevel: logLevel.ERROR,
  retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 120 },
})

const codecs = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy }

// message builds record i.
const message = (r, i) => ({
  key: line.key(r.tag, i, r.keys),
  value: line.value(r.tag, i, r.size || 0),
  headers: line.headers(r.tag, i),
})

// produce sends in chunks; each send is answered before the next begins, so the order is kept.
async function produce(session, r) {
  const producer = kafka.producer({ idempotent: r.idempotent, maxInFlightRequests: 1, allowAutoTopicCreation: false })
  await producer.connect()
  try {
    const chunk = r.rate ? Math.max(1, Math.round(r.rate / 20)) : 200
    const pace = new line.Pace(r.rate ? r.rate / chunk : 0)
    for (let i = r.start; i < r.start + r.count && !session.stopped; i += chunk) {
      await pace.wait()
      const numbers = []
      for (let n = i; n < Math.min(i + chunk, r.start + r.count); n++) numbers.push(n)
      await producer.send({ topic: r.topic, acks: -1, compression: codecs[r.codec], messages: numbers.map((n) => message(r, n)) })
      for (const n of numbers) session.emit('ack', { i: n, p: 0, o: -1 })
    }
  } finally {
    await producer.disconnect()
  }
}

// consume reads count records of the given partitions. kafkajs reads in groups only, so it makes one of its own and
// seeks in it.
async function consume(session, r) {
  const starts = await startOffsets(r)
  const consumer = kafka.consumer({ groupId: `reader-${process.pid}-${r.id}-${r.topic}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topics: [r.topic], fromBeginning: true })
  let taken = 0
  let finished
  const all = new Promise((done, failed) => {
    finished = done
    consumer.on(consumer.events.CRASH, ({ payload }) => failed(payload.error))
  })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message: m }) => {
      if (!(partition in starts) || Number(m.offset) < starts[partition] || taken >= r.count) return
      session.record(partition, m)
      if (++taken >= r.count) finished()
    },
  })
  for (const [p, offset] of Object.entries(starts)) consumer.seek({ topic: r.topic, partition: Number(p), offset: String(offset) })
  try {
    await all
  } finally {
    await consumer.disconnect()
  }
}

// startOffsets says where each partition is to be read from.
async function startOffsets(r) {
  const starts = {}
  for (const p of r.partitions) starts[p] = r.offset
  if (!r.bytime) return starts
  const admin = kafka.admin()
  await admin.connect()
  for (const { partition, offset } of await admin.fetchTopicOffsetsByTimestamp(r.topic, r.timestamp)) {
    if (partition in starts) starts[partition] = Number(offset)
  }
  await admin.disconnect()
  return starts
}

new line.Session().serve({
  produce,
  consume,
  group: (session, r) => member(kafka, session, r),
  ...administration(kafka),
})
