'use strict'
// The client program's end of the line protocol (see the Go package line).

const readline = require('readline')

class Unsupported extends Error {}

const key = (tag, i, keys) => `${tag}-${i % keys}`

const value = (tag, i, size) => {
  const head = `${tag}:${i}:`
  return head + String.fromCharCode(97 + (i % 26)).repeat(Math.max(0, size - head.length))
}

const headers = (tag, i) => ({ tag, seq: String(i) })

const sleep = (ms) => new Promise((done) => setTimeout(done, ms))

// Pace spreads records evenly over time; rate 0 means no bound.
class Pace {
  constructor(rate) {
    this.start = Date.now()
    this.rate = rate || 0
    this.taken = 0
  }

  async wait() {
    if (!this.rate) return
    const due = this.start + (this.taken++ * 1000) / this.rate
    const early = due - Date.now()
    if (early > 1) await sleep(early)
  }
}

// Session runs commands from stdin, one at a time.
class Session {
  constructor() {
    this.stopped = false
    this.commits = 0
    this.id = 0
    this.pending = Promise.resolve()
    this.out = []
  }

  takeCommits() {
    const n = this.commits
    this.commits = 0
    return n
  }

  emit(kind, fields = {}) {
    this.out.push(JSON.stringify({ id: this.id, e: kind, ...fields }))
    if ((kind !== 'rec' && kind !== 'ack') || this.out.length > 500) this.flush()
  }

  flush() {
    if (this.out.length) process.stdout.write(this.out.join('\n') + '\n')
    this.out = []
  }

  record(partition, message) {
    const pairs = Object.entries(message.headers || {}).map(([name, v]) => [name, v === null ? '' : v.toString()])
    this.emit('rec', {
      p: partition,
      o: Number(message.offset),
      t: Number(message.timestamp),
      k: message.key ? message.key.toString() : '',
      v: message.value ? message.value.toString() : '',
      h: pairs,
    })
  }

  serve(handlers) {
    const lines = readline.createInterface({ input: process.stdin })
    lines.on('line', (text) => {
      const request = JSON.parse(text)
      if (request.cmd === 'stop') this.stopped = true
      else if (request.cmd === 'commit') this.commits += request.n
      else this.pending = this.pending.then(() => this.run(handlers, request))
    })
    lines.on('close', () => {
      this.stopped = true
      this.pending.then(() => process.exit(0))
    })
  }

  async run(handlers, request) {
    this.id = request.id
    this.stopped = false
    this.commits = 0
    try {
      const handler = handlers[request.cmd]
      if (!handler) throw new Unsupported()
      this.emit('done', { data: await handler(this, request) })
    } catch (problem) {
      if (problem instanceof Unsupported) this.emit('unsupported')
      else {
        console.error(problem)
        this.emit('fail', { error: String(problem) })
      }
    }
  }
}

module.exports = { Session, Pace, key, value, headers, sleep }
