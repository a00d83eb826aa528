// hypercore: a signed append-only log for each feed, all of one writer in one
// Corestore. A block is one record: the text of a movement, or, with --pack, a
// deflated batch of them. The invitation is the feeds' public keys.
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import { join } from 'node:path'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import Corestore from 'corestore'
import { main, recordsOf } from './contract.js'

const version = createRequire(import.meta.url)('hypercore/package.json').version

const about = {
  name: 'hypercore',
  version,
  live: true,
  verifies: 'each block against a BLAKE2b tree whose root its author signed' +
    ' (Ed25519); the stream is encrypted (Noise)'
}

class Replica {
  errors = []
  forks = []
  cores = [] // by feed
  onnews = () => {}

  constructor(folder, { pack }) {
    this.store = new Corestore(folder)
    this.list = join(folder, 'feeds') // their keys, for who opens it later
    this.pack = pack
  }

  async feed(feed, names) {
    const core = this.store.get(names)
    this.cores[feed] = core
    core.on('verification-error', (error) => this.errors.push(String(error)))
    core.on('conflict', (length, fork, proof) => {
      const { signature, nodes } = proof.upgrade
      const bytes = nodes.reduce((sum, node) => sum + node.hash.length,
        signature.length)
      this.forks.push({ feed, position: length, bytes })
    })
    await core.ready()
  }

  async feedsOf(invitation) {
    for (const [feed, key] of invitation.split(',').entries()) {
      await this.feed(feed, { key: Buffer.from(key, 'hex') })
    }
    writeFileSync(this.list, invitation)
  }

  async append(feed, movements) {
    await this.cores[feed].append(recordsOf(movements, this.pack)
      .map((record) => this.pack > 1
        ? deflateRawSync(record.join('\n'))
        : Buffer.from(record[0])))
  }

  async serve(feeds) {
    for (let feed = 0; feed < feeds; feed++) {
      await this.feed(feed, { name: `feed-${feed}` })
    }
    const keys = this.cores.map((core) => core.key.toString('hex')).join(',')
    writeFileSync(this.list, keys)
    const server = net.createServer((socket) => this.replicate(socket, false))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { port: server.address().port, invitation: keys }
  }

  replicate(socket, isInitiator) {
    socket.setNoDelay(true)
    const stream = this.store.replicate(isInitiator)
    const note = (error) => {
      if (!/^(ECONNRESET|EPIPE)$/.test(error.code)) {
        this.errors.push(String(error))
      }
    }
    stream.on('error', note).pipe(socket).on('error', note).pipe(stream)
  }

  async pull(port, invitation, isFollowing) {
    await this.feedsOf(invitation)
    this.replicate(net.connect(port, '127.0.0.1'), true)
    await Promise.all(this.cores.map(async (core) => {
      await core.update({ wait: true })
      await core.download({ start: 0, end: core.length }).done()
    }))
    if (!isFollowing) return
    for (const core of this.cores) {
      core.on('download', () => this.onnews(1))
      core.download({ start: 0, end: -1 })
    }
  }

  async * entries() {
    if (this.cores.length === 0) {
      await this.feedsOf(readFileSync(this.list, 'utf8'))
    }
    for (const [feed, core] of this.cores.entries()) {
      for (let index = 0; index < core.length; index++) {
        const block = await core.get(index, { wait: false })
        if (block === null) continue
        const text = this.pack > 1 ? inflateRawSync(block) : block
        for (const movement of text.toString().split('\n')) {
          yield { feed, movement }
        }
      }
    }
  }

  close() {
    return this.store.close()
  }
}

await main(about, async (folder, options) => new Replica(folder, options))
