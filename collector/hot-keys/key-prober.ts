/**
 * Asks a node whether its hot keys exist and how large they are. MEMORY USAGE adds no hit and no miss and leaves the
 * idle time alone, as no other command does; with five samples it takes microseconds, however many
 * elements a collection has; only a stream's consumer groups are gone through one by one. An expired key that nobody has asked for since still has a size.
 */
import { NodeFailure } from '../connection/failure.ts'
import type { NodeCommands } from '../connection/node-connection.ts'

export type KeyPlace = { db: number; key: Uint8Array }
export type KeyFacts = {
  /** MEMORY USAGE: the key, its value and what they take beside; null when it is missing. */
  sizeBytes: number | null
  isMissing: boolean
  /** Epoch milliseconds. */
  probedAt: number
}
export type KeyProberOptions = {
  /** The node's ordinary connection: what is sent is in its bill. */
  commands: NodeCommands
  clusterEnabled(): boolean
  /** Epoch milliseconds. */
  now(): number
}

const AGAIN_MS = 30_000
/** A missing key may be set any moment; and that it is missing is the news. */
const AGAIN_MISSING_MS = 5_000
const REFUSED_RETRY_MS = 60_000
const SAMPLES = 5
/** At most 64 keys a second. */
const BATCH = 16
const BATCH_EVERY_MS = 250
const MAX_KEYS = 1_024
const MAX_KEPT_BYTES = 4 * 1024 * 1024
const KEPT_OVERHEAD_BYTES = 200

type Entry = KeyPlace & { id: string; facts: KeyFacts | null; dueAt: number }
type Answer = { kind: 'facts'; sizeBytes: number | null } | { kind: 'error'; code: string | null }

export class KeyProber {
  /** One sentence: why sizes and existence are not known here; null when they are. */
  refusal: string | null = null
  /** Keyspace hits and misses that the probes added: none. */
  readonly cost: Readonly<{ hits: number; misses: number }> = { hits: 0, misses: 0 }
  readonly #options: KeyProberOptions
  /** By last use, the oldest first. */
  readonly #entries = new Map<string, Entry>()
  readonly #queue = new Map<string, Entry>()
  #keptBytes = 0
  #refusedUntil = 0
  #pumping = false

  constructor(options: KeyProberOptions) {
    this.#options = options
  }

  /** In the background; never throws. Keys that were asked for lately are not asked for again. */
  ask(keys: readonly KeyPlace[]): void {
    const now = this.#options.now()
    if (now < this.#refusedUntil) return
    for (const { db, key } of keys) {
      const entry = this.#touch(db, key)
      if (entry !== null && entry.dueAt <= now) this.#queue.set(entry.id, entry)
    }
    if (this.#queue.size > 0 && !this.#pumping) void this.#pump()
  }

  /** What is known of a key; null: nothing, or nothing yet. */
  facts(db: number, key: Uint8Array): KeyFacts | null {
    return this.#entries.get(idOf(db, key))?.facts ?? null
  }

  #touch(db: number, key: Uint8Array): Entry | null {
    const id = idOf(db, key)
    const bytes = key.length * 2 + KEPT_OVERHEAD_BYTES
    if (bytes > MAX_KEPT_BYTES / 4) return null
    let entry = this.#entries.get(id)
    if (entry === undefined) {
      entry = { db, key: Uint8Array.from(key), id, facts: null, dueAt: 0 }
      this.#keptBytes += bytes
    }
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    for (const oldest of this.#entries.values()) {
      if (this.#entries.size <= MAX_KEYS && this.#keptBytes <= MAX_KEPT_BYTES) break
      this.#entries.delete(oldest.id)
      this.#queue.delete(oldest.id)
      this.#keptBytes -= oldest.key.length * 2 + KEPT_OVERHEAD_BYTES
    }
    return entry
  }

  async #pump(): Promise<void> {
    this.#pumping = true
    while (this.#queue.size > 0) {
      const batch = [...this.#queue.values()].slice(0, BATCH)
      for (const { id } of batch) this.#queue.delete(id)
      try {
        await this.#probe(batch)
      } catch {
        // Without a connection the reading says why; what was asked for is asked for again by the next report.
        this.#queue.clear()
      }
      await new Promise<void>((resolve) => {
        setTimeout(resolve, BATCH_EVERY_MS).unref()
      })
    }
    this.#pumping = false
  }

  async #probe(batch: Entry[]): Promise<void> {
    let answers = await this.#send(batch)
    const isMoved = (answer: Answer) => answer.kind === 'error' && answer.code === 'MOVED'
    // A replica in a cluster answers for its primary's keys only to those who say that they only read.
    if (answers.some(isMoved) && this.#options.clusterEnabled()) {
      const allowed = await answerOf(this.#options.commands.call('READONLY'))
      if (allowed.kind === 'facts') answers = await this.#send(batch)
    }
    const now = this.#options.now()
    batch.forEach((entry, index) => {
      const answer = answers[index]
      entry.dueAt = now + AGAIN_MS
      entry.facts = null
      if (answer?.kind !== 'facts') return
      const isMissing = answer.sizeBytes === null
      if (isMissing) entry.dueAt = now + AGAIN_MISSING_MS
      entry.facts = { sizeBytes: answer.sizeBytes, isMissing, probedAt: now }
    })
    this.#learn(answers, now)
  }

  #learn(answers: readonly Answer[], now: number): void {
    const codes = answers.map((answer) => (answer.kind === 'error' ? answer.code : null))
    const isRefused = codes.every((code) => code === 'NOPERM' || code === 'ERR')
    this.refusal = isRefused ? refusalOf(codes[0] ?? null) : null
    if (!isRefused) return
    this.#refusedUntil = now + REFUSED_RETRY_MS
    this.#queue.clear()
  }

  /** Written in one go, so that no other command of the connection runs in another database. */
  async #send(batch: readonly Entry[]): Promise<Answer[]> {
    const { commands } = this.#options
    const answers = new Map<string, Promise<Answer>>()
    const back: Promise<Answer>[] = []
    const databases = Map.groupBy(batch, ({ db }) => db)
    for (const [db, entries] of databases) {
      const selected = db === 0 ? null : answerOf(commands.call('SELECT', db))
      for (const { id, key } of entries) {
        const asked = answerOf(commands.call('MEMORY', 'USAGE', key, 'SAMPLES', SAMPLES))
        answers.set(id, selected === null ? asked : after(selected, asked))
      }
      if (selected !== null) back.push(answerOf(commands.call('SELECT', 0)))
    }
    await Promise.all([...answers.values(), ...back])
    return Promise.all(batch.map(({ id }) => answers.get(id) ?? UNKNOWN))
  }
}

const UNKNOWN: Answer = { kind: 'error', code: null }

/** An error reply is an answer as well; a lost connection is thrown. */
async function answerOf(reply: Promise<unknown>): Promise<Answer> {
  try {
    const size = await reply
    return { kind: 'facts', sizeBytes: size === null ? null : Number(size) }
  } catch (error) {
    if (error instanceof NodeFailure && error.replyCode !== null) {
      return { kind: 'error', code: error.replyCode }
    }
    throw error
  }
}

/** In a database that could not be selected, the answer is of another key. */
async function after(selected: Promise<Answer>, asked: Promise<Answer>): Promise<Answer> {
  const [first, second] = await Promise.all([selected, asked])
  return first.kind === 'error' ? first : second
}

function refusalOf(code: string | null): string {
  return code === 'NOPERM'
    ? 'The user may not run MEMORY USAGE on these keys: +memory|usage and %R~* in its ACL show sizes and missing keys.'
    : 'The node has no MEMORY USAGE (disabled, renamed or older than Redis 4): sizes and missing keys are not known.'
}

function idOf(db: number, key: Uint8Array): string {
  return `${db} ${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')}`
}
