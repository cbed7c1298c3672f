/**
 * An application process that reads and writes registers and records each operation. Without the library it only
 * reads, and is the oracle. argv: WorkerOptions as JSON. It ends with its parent.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, type ClusterOptions } from 'ioredis'
import { cachescope } from '../../../client/index.ts'
import { mulberry, type Random } from '../random-draws.ts'
import { HistoryWriter, nowUs, type Via } from './history.ts'
import { drawRead, drawWrite, type RegisterType, type WriteCommand } from './register-commands.ts'

export type RegisterPlan = { key: string; type: RegisterType; writers: string[] }
export type WorkerOptions = {
  process: string
  via: Via
  app: string
  seeds: { host: string; port: number }[]
  registers: RegisterPlan[]
  readEveryMs: number
  writeEveryMs: number
  historyPath: string
  seed: number
}
/** `settle`: write no more. `end`: read everything once more, and leave. */
export type WorkerOrder = { kind: 'settle' } | { kind: 'end' }
export type WorkerNews = { kind: 'ready' } | { kind: 'settled' } | { kind: 'ended' }

const options: WorkerOptions = JSON.parse(process.argv[2] ?? '')
const CONNECTION: ClusterOptions = {
  slotsRefreshInterval: 1_000,
  retryDelayOnFailover: 100,
  clusterRetryStrategy: () => 200,
  redisOptions: { commandTimeout: 3_000, connectTimeout: 1_000, showFriendlyErrorStack: true },
}
/** Of reads and writes: how often several reads of a key are under way at once. */
const BURST_SHARE = 0.05
const BURST_READS = 5
const OWN_READ_SHARE = 0.5
const FINAL_READS = 10

class Worker {
  readonly #client: Cluster
  readonly #history = new HistoryWriter(options.historyPath)
  readonly #random: Random = mulberry(options.seed)
  #isWriting = true
  #isReading = true
  #written = 0
  readonly #loops: Promise<void>[] = []
  readonly #writes: Promise<void>[] = []

  constructor(client: Cluster) {
    this.#client = client
  }

  start(): void {
    for (const register of options.registers) {
      this.#loops.push(this.#readOn(register))
      if (register.writers.includes(options.process)) this.#writes.push(this.#writeOn(register))
    }
  }

  async settle(): Promise<void> {
    this.#isWriting = false
    await Promise.all(this.#writes)
  }

  async end(): Promise<void> {
    this.#isReading = false
    await Promise.all(this.#loops)
    for (const register of options.registers) {
      for (let at = 0; at < FINAL_READS; at++) await this.#read(register)
    }
    await this.#history.close()
    this.#client.disconnect()
  }

  async #readOn(register: RegisterPlan): Promise<void> {
    while (this.#isReading) {
      const count = this.#random() < BURST_SHARE ? BURST_READS : 1
      await Promise.all(Array.from({ length: count }, () => this.#read(register)))
      await sleep(options.readEveryMs * (0.5 + this.#random()))
    }
  }

  async #writeOn(register: RegisterPlan): Promise<void> {
    while (this.#isWriting) {
      const value = `${register.key}#${options.process}#${++this.#written}`
      const command = drawWrite(register.type, value, this.#random)
      await this.#write(register, command)
      if (this.#random() < OWN_READ_SHARE) await this.#read(register)
      // Some values live to their expiry.
      const untilExpiry = command.expiresInMs !== null && this.#random() < 0.3 ? command.expiresInMs + 200 : 0
      await sleep(untilExpiry + options.writeEveryMs * (0.5 + this.#random()))
    }
  }

  async #read({ key, type }: RegisterPlan): Promise<void> {
    const command = drawRead(type, this.#random)
    const invokedUs = nowUs()
    try {
      const value = await command.run(this.#client, key)
      const returnedUs = nowUs()
      this.#history.add({ kind: 'read', ...this.#of(key, command.how), value, invokedUs, returnedUs })
    } catch (error) {
      this.#fail(key, command.how, error)
    }
  }

  async #write({ key }: RegisterPlan, command: WriteCommand): Promise<void> {
    const { how, value, expiresInMs } = command
    const invokedUs = nowUs()
    let outcome: 'ok' | 'unknown' = 'ok'
    try {
      await command.run(this.#client, key)
    } catch (error) {
      outcome = 'unknown'
      this.#fail(key, how, error)
    }
    const times = { invokedUs, returnedUs: nowUs() }
    this.#history.add({ kind: 'write', ...this.#of(key, how), value, outcome, expiresInMs, ...times })
  }

  #fail(key: string, how: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    this.#history.add({ kind: 'failure', ...this.#of(key, how), error: message, atUs: nowUs() })
  }

  /** An application would die of it. */
  noteUnhandled(error: unknown): void {
    const { process, via } = options
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#history.add({ kind: 'unhandled', process, via, error: text, atUs: nowUs() })
  }

  #of(key: string, how: string) {
    return { process: options.process, via: options.via, key, how }
  }
}

function open(): Cluster {
  const cluster = new Cluster(options.seeds, CONNECTION)
  cluster.on('error', () => {})
  return options.via === 'library' ? cachescope(cluster, { app: options.app }) : cluster
}

const tell = (news: WorkerNews) => process.send?.(news)
const worker = new Worker(open())
process.once('disconnect', () => process.exit())
process.on('message', (order: WorkerOrder) => {
  if (order.kind === 'settle') void worker.settle().then(() => tell({ kind: 'settled' }))
  else {
    void worker.end().then(() => {
      tell({ kind: 'ended' })
      process.disconnect?.()
    })
  }
})
process.on('unhandledRejection', (error) => worker.noteUnhandled(error))
worker.start()
tell({ kind: 'ready' })
