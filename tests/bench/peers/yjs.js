// Yjs: one document that holds an array for each feed; y-protocols' sync
// messages, each behind its length, on a TCP connection. Its state vector has
// an entry for each feed's writer. Yjs draws a client id anew each time a
// document is opened; with --identity kept, the writers' ids are part of
// their data, as one does who wants the vector bounded.
import { once } from 'node:events'
import {
  existsSync, fsyncSync, openSync, readFileSync, writeSync, closeSync
} from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import { join } from 'node:path'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as sync from 'y-protocols/sync'
import * as Y from 'yjs'
import { main } from './contract.js'

const require = createRequire(import.meta.url)

const about = {
  name: 'Yjs',
  version: require('yjs/package.json').version,
  live: true,
  verifies: 'nothing: whoever connects writes what it likes, by any name'
}

function send(socket, write) {
  const encoder = encoding.createEncoder()
  write(encoder)
  const body = encoding.toUint8Array(encoder)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  socket.write(Buffer.concat([length, body]))
}

async function * framesOf(socket) {
  let parts = []
  let held = 0
  for await (const chunk of socket) {
    parts.push(chunk)
    held += chunk.length
    while (held >= 4) {
      // Joined only when a whole frame is there: a catch-up is one frame.
      if (parts[0].length < 4) parts = [Buffer.concat(parts)]
      const size = 4 + parts[0].readUInt32BE()
      if (held < size) break
      const all = Buffer.concat(parts)
      parts = [all.subarray(size)]
      held -= size
      yield all.subarray(4, size)
    }
  }
}

class Replica {
  errors = []
  forks = []
  onnews = () => {}

  constructor(folder, { identity }) {
    this.file = join(folder, 'document')
    this.isKept = identity === 'kept'
    this.doc = new Y.Doc({ gc: false })
    if (existsSync(this.file)) {
      Y.applyUpdate(this.doc, readFileSync(this.file))
    }
    this.ids = []
  }

  idOf(feed) {
    this.ids[feed] ??= this.isKept
      ? 1000000007 + feed
      : Math.floor(Math.random() * 2 ** 32)
    return this.ids[feed]
  }

  save() {
    const file = openSync(this.file, 'w')
    writeSync(file, Y.encodeStateAsUpdate(this.doc))
    fsyncSync(file)
    closeSync(file)
  }

  append(feed, movements) {
    this.doc.clientID = this.idOf(feed)
    this.doc.getArray(`${feed}`).push(movements)
    this.save()
  }

  async serve() {
    const server = net.createServer((socket) => this.talk(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { port: server.address().port, invitation: '' }
  }

  // Ends when the other side has answered our state vector, or hung up.
  async talk(socket, onsynced = () => {}) {
    socket.setNoDelay(true)
    socket.on('error', () => {})
    send(socket, (encoder) => sync.writeSyncStep1(encoder, this.doc))
    const relay = (update, origin) => {
      if (origin !== this) {
        send(socket, (encoder) => sync.writeUpdate(encoder, update))
      }
    }
    this.doc.on('update', relay)
    for await (const frame of framesOf(socket)) {
      const encoder = encoding.createEncoder()
      const kind = sync.readSyncMessage(decoding.createDecoder(frame),
        encoder, this.doc, this, (error) => this.errors.push(String(error)))
      if (encoding.hasContent(encoder)) {
        const answer = encoding.toUint8Array(encoder)
        send(socket, (whole) => encoding.writeUint8Array(whole, answer))
      }
      if (kind === sync.messageYjsSyncStep2) onsynced()
      if (kind === sync.messageYjsUpdate) this.received()
    }
    this.doc.off('update', relay)
  }

  received() {
    this.save()
    this.onnews(1)
  }

  async pull(port) {
    const socket = net.connect(port, '127.0.0.1')
    await new Promise((resolve, reject) => {
      this.talk(socket, resolve).then(() => reject(new Error('hung up')),
        reject)
    })
    this.save()
  }

  * entries() {
    for (const feed of this.doc.share.keys()) {
      for (const movement of this.doc.getArray(feed)) {
        yield { feed: Number(feed), movement }
      }
    }
  }

  close() {}
}

await main(about, async (folder, options) => new Replica(folder, options))
