// What the peers in JavaScript share: their command line. It is written down
// in docs/performance.md, "Beside other programs".
//
// open(store, options) gives a replica: append(feed, movements), serve(feeds)
// -> {port, invitation}, pull(port, invitation, isFollowing), entries(),
// close(), and what it notices: errors, forks, onnews.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

const CHOICES = {
  pack: { type: 'string', default: '1' }, // movements in a record
  identity: { type: 'string', default: '' }, // how a writer names itself
  follow: { type: 'boolean', default: false }
}

// Answers alone go to stdout, whatever a package has to say.
console.log = console.error

function say(answer) {
  process.stdout.write(JSON.stringify(answer) + '\n')
}

function peakKib() {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)[1])
}

function linesOf(file) {
  return readFileSync(file, 'utf8').split('\n').filter((line) => line !== '')
}

async function serve(replica, [feeds]) {
  say(await replica.serve(Number(feeds)))
  for await (const line of createInterface({ input: process.stdin })) {
    const { feed, file } = JSON.parse(line)
    try {
      const movements = linesOf(file)
      await replica.append(feed, movements)
      say({ appended: movements.length })
    } catch (error) {
      replica.errors.push(String(error))
      say({ appended: 0, error: String(error) })
    }
  }
}

async function pull(replica, [port, invitation], isFollowing) {
  const started = process.hrtime.bigint()
  replica.onnews = (count) => say({ news: count })
  try {
    await replica.pull(Number(port), invitation, isFollowing)
    const seconds = Number(process.hrtime.bigint() - started) / 1e9
    say({ in_sync: true, seconds, rss_kib: peakKib() })
  } catch (error) {
    replica.errors.push(String(error))
    say({ in_sync: false, error: String(error) })
  }
  for await (const _ of createInterface({ input: process.stdin }));
}

async function dump(replica) {
  try {
    for await (const entry of replica.entries()) say(entry)
  } catch (error) {
    replica.errors.push(String(error))
  }
}

// Cuts movements into records of at most @size of them.
export function recordsOf(movements, size) {
  const records = []
  for (let at = 0; at < movements.length; at += size) {
    records.push(movements.slice(at, at + size))
  }
  return records
}

export async function main(about, open) {
  const { values, positionals } = parseArgs({
    options: CHOICES,
    allowPositionals: true
  })
  const [verb, store, ...words] = positionals
  if (verb === 'about') return say(about)

  const noticed = []
  const note = (error) => noticed.push(String(error))
  process.on('uncaughtException', note).on('unhandledRejection', note)
  const options = { ...values, pack: Number(values.pack) }
  let errors = noticed
  let forks = []
  try {
    const replica = await open(store, options)
    if (verb === 'serve') await serve(replica, words)
    if (verb === 'pull') await pull(replica, words, values.follow)
    if (verb === 'dump') await dump(replica)
    await replica.close()
    errors = errors.concat(replica.errors)
    forks = replica.forks
  } catch (error) {
    note(error)
  }
  // Some keep timers and sockets for later; there is no later.
  process.stdout.write(JSON.stringify({ end: true, errors, forks }) + '\n',
    () => process.exit(0))
}
