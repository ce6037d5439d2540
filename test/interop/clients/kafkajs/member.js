'use strict'
// One member of a group, with kafkajs.

const line = require('./line')

// Member counts positions itself, so that what is committed is what was reported.
class Member {
  constructor(kafka, session, r) {
    this.session = session
    this.r = r
    this.next = new Map()
    this.taken = 0
    this.uncommitted = 0
    this.pace = new line.Pace(r.ratemax)
    this.consumer = kafka.consumer({
      groupId: r.group,
      sessionTimeout: r.session_ms || 30000,
      heartbeatInterval: r.heartbeat_ms || 3000,
      rebalanceTimeout: 20000,
      maxWaitTimeInMs: 200,
      allowAutoTopicCreation: false,
    })
    this.watch()
  }

  watch() {
    const { GROUP_JOIN, REBALANCING, CRASH } = this.consumer.events
    this.consumer.on(GROUP_JOIN, ({ payload }) => {
      this.next.clear() // a member that was thrown out joins again without REBALANCING
      this.session.emit('assigned', { ps: payload.memberAssignment[this.r.topic] || [] })
    })
    this.consumer.on(REBALANCING, () => {
      this.next.clear()
      this.session.emit('revoked', { ps: [] })
    })
    this.consumer.on(CRASH, ({ payload }) => {
      this.session.emit('trouble', { error: String(payload.error) })
      if (!payload.restart) this.crash = payload.error
    })
  }

  full() {
    return this.r.max > 0 && this.taken >= this.r.max
  }

  async commit() {
    if (this.r.commit === 'none' || this.next.size === 0) return
    const offsets = [...this.next].map(([partition, offset]) => ({ topic: this.r.topic, partition, offset: String(offset) }))
    this.session.flush() // what is committed has been reported
    const start = process.hrtime.bigint()
    let error = ''
    try {
      await this.consumer.commitOffsets(offsets)
    } catch (problem) {
      error = String(problem)
    }
    this.session.emit('committed', { ms: Number(process.hrtime.bigint() - start) / 1e6, error })
  }

  async take(partition, message) {
    await this.pace.wait()
    this.session.record(partition, message)
    this.next.set(partition, Number(message.offset) + 1)
    this.taken++
    if (++this.uncommitted >= this.r.every) {
      this.uncommitted = 0
      await this.commit()
    }
  }

  async run() {
    await this.consumer.connect()
    await this.consumer.subscribe({ topics: [this.r.topic], fromBeginning: true })
    await this.consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 1,
      eachBatchAutoResolve: false,
      eachBatch: (batch) => this.batch(batch),
    })
    while (!this.session.stopped && !this.full()) {
      if (this.crash) throw this.crash
      await line.sleep(20)
      this.session.flush()
      for (let n = this.session.takeCommits(); n > 0; n--) await this.commit()
    }
    await this.commit()
    await this.consumer.disconnect()
  }

  async batch({ batch, resolveOffset, heartbeat, isRunning, isStale }) {
    for (const message of batch.messages) {
      if (!isRunning() || isStale() || this.session.stopped || this.full()) break
      await this.take(batch.partition, message)
      resolveOffset(message.offset)
      await heartbeat()
    }
  }
}

module.exports = (kafka, session, r) => new Member(kafka, session, r).run()
