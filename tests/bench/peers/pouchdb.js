// PouchDB on LevelDB: a document for each record in one database, replicated
// over the HTTP protocol of CouchDB, answers compressed. A document's _id is
// the feed and the record's number in it, or a random one with --identity
// random. With --pack a document holds a batch of movements.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import PouchDB from 'pouchdb'
import { main, recordsOf } from './contract.js'

const version = createRequire(import.meta.url)('pouchdb/package.json').version

const about = {
  name: 'PouchDB',
  version,
  live: true,
  verifies: 'nothing: a revision is named by a hash (MD5) that the reader' +
    ' does not compute again'
}

// Fewer round trips than by default (100).
const BATCH = { batch_size: 1000 }

// What a replicator asks of a CouchDB, answered from @db.
const ANSWERS = {
  async 'GET /'({ db }) {
    return { ...await db.info(), instance_start_time: '0' }
  },
  async 'GET /_changes'({ db, query, response }) {
    const options = {
      since: Number(query.get('since') ?? 0),
      limit: Number(query.get('limit') ?? 1e9),
      style: query.get('style') ?? undefined,
      return_docs: true
    }
    const changes = await db.changes(options)
    if (changes.results.length > 0 || query.get('feed') !== 'longpoll') {
      return changes
    }
    const live = db.changes({ ...options, live: true })
    response.on('close', () => live.cancel())
    const [change] = await once(live, 'change')
    live.cancel()
    return { results: [change], last_seq: change.seq }
  },
  async 'POST /_bulk_get'({ db, query, body }) {
    return db.bulkGet({ ...body, revs: true, latest: query.has('latest') })
  },
  async 'POST /_revs_diff'({ db, body }) {
    return db.revsDiff(body)
  },
  async 'GET /_local'({ db, id }) {
    return db.get(id)
  },
  async 'PUT /_local'({ db, body }) {
    return db.put(body)
  }
}

async function bodyOf(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return parts.length === 0 ? null : JSON.parse(Buffer.concat(parts))
}

async function answer(db, request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  const [, , name = '', rest] = pathname.split('/')
  const ask = ANSWERS[`${request.method} /${name}`]
  let status = 200
  let said
  try {
    if (ask === undefined) throw Object.assign(new Error(), { status: 404 })
    said = await ask({
      db,
      response,
      query: searchParams,
      body: await bodyOf(request),
      id: `${name}/${decodeURIComponent(rest ?? '')}`
    })
  } catch (error) {
    status = error.status ?? 500
    said = { error: error.name, reason: error.message }
  }
  let body = Buffer.from(JSON.stringify(said))
  const headers = { 'Content-Type': 'application/json' }
  // As pouchdb-server does; CouchDB itself sends it plain.
  if (body.length >= 1024 && /gzip/.test(request.headers['accept-encoding'])) {
    body = gzipSync(body)
    headers['Content-Encoding'] = 'gzip'
  }
  response.writeHead(status, { ...headers, 'Content-Length': body.length })
  response.end(body)
}

class Replica {
  errors = []
  forks = []
  onnews = () => {}

  constructor(folder, { pack, identity }) {
    this.db = new PouchDB(join(folder, 'database'))
    this.pack = pack
    this.isRandom = identity === 'random'
    this.ends = [] // by feed
  }

  // The number of the feed's last record.
  async end(feed) {
    if (this.ends[feed] === undefined) {
      const last = await this.db.allDocs({
        startkey: `${feed}-\uffff`, endkey: `${feed}-`, descending: true,
        limit: 1
      })
      this.ends[feed] = last.rows.length === 0
        ? 0
        : Number(last.rows[0].id.split('-')[1])
    }
    return this.ends[feed]
  }

  async append(feed, movements) {
    const end = this.isRandom ? 0 : await this.end(feed)
    const documents = recordsOf(movements, this.pack)
      .map((record, index) => ({
        _id: this.isRandom
          ? randomUUID()
          : `${feed}-${String(end + 1 + index).padStart(9, '0')}`,
        feed,
        movements: record.map((text) => JSON.parse(text))
      }))
    for (const some of recordsOf(documents, 1000)) {
      const results = await this.db.bulkDocs(some)
      const failed = results.find((result) => result.error)
      if (failed) throw new Error(`${failed.id}: ${failed.message}`)
    }
    this.ends[feed] = end + documents.length
  }

  async serve() {
    const server = http.createServer((request, response) =>
      answer(this.db, request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { port: server.address().port, invitation: '' }
  }

  async pull(port, _invitation, isFollowing) {
    const source = `http://127.0.0.1:${port}/db`
    const done = await this.db.replicate.from(source, BATCH)
    if (!done.ok) throw new Error(done.errors.join(', '))
    if (!isFollowing) return
    const live = this.db.replicate.from(source, { ...BATCH, live: true })
    live.on('change', (change) => this.onnews(change.docs.length))
    live.on('error', (error) => this.errors.push(String(error)))
    await once(live, 'paused')
  }

  // Revisions that lost against another of the same _id are hidden from
  // whoever does not ask for conflicts.
  async * entries() {
    const all = await this.db.allDocs({ include_docs: true, conflicts: true })
    for (const { doc } of all.rows) {
      yield * entriesOf(doc, false)
      for (const rev of doc._conflicts ?? []) {
        yield * entriesOf(await this.db.get(doc._id, { rev }), true)
      }
    }
  }

  close() {
    return this.db.close()
  }
}

function * entriesOf({ feed, movements }, hidden) {
  for (const movement of movements) {
    yield { feed, movement: JSON.stringify(movement), hidden }
  }
}

await main(about, async (folder, options) => new Replica(folder, options))
