/** One round: application processes read and write registers while a plan of mitigations and faults is carried out. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { drainMitigation } from '../../../store/mitigation-changes.ts'
import { createMitigation } from '../../../store/mitigations.ts'
import { until } from '../redis.ts'
import { checkHistory, type Verdict } from './checker.ts'
import { injectFault } from './faults.ts'
import { HistoryWriter, nowUs, readHistory } from './history.ts'
import {
  MITIGATION_KINDS,
  type MitigationKind,
  type Plan,
  type PlannedMitigation,
  type PlannedRegister,
  promisedSpan,
} from './plan.ts'
import type { RegisterPlan, WorkerNews, WorkerOptions, WorkerOrder } from './worker.ts'
import { CACHE_ID, type World } from './world.ts'

const WORKER = new URL('./worker.ts', import.meta.url).pathname
const LIBRARY_PROCESSES = ['a', 'b', 'c']
/** Reads and writes without the library. */
const BARE_PROCESS = 'bare'
const PROCESSES = [...LIBRARY_PROCESSES, BARE_PROCESS]
const READ_EVERY_MS = 20
const WRITE_EVERY_MS = 300
const OFF_WITHIN_MS = 90_000
const WHOLE_WITHIN_MS = 90_000
const ASK_AGAIN_MS = 300
const EPOCH_EVERY_MS = 500

export type MitigationRecord = {
  mitigationId: number
  how: MitigationKind
  key: string
  /** From the request; null: it never was. */
  activeAfterMs: number | null
  /** From the request to drain it, or from its own end. */
  offAfterMs: number | null
  outcome: string | null
  message: string | null
  /** `applied of instances`, as last seen while it was active. */
  acknowledged: string | null
}
export type RoundResult = { verdict: Verdict; mitigations: MitigationRecord[] }

/** @param directory for the histories: a file a process, and one of faults and mitigations */
export async function runRound(
  world: World,
  plan: Plan,
  options: { name: string; directory: string; print: (line: string) => void },
): Promise<RoundResult> {
  const round = new Round(world, plan, options)
  return round.run()
}

class Round {
  readonly #world: World
  readonly #plan: Plan
  readonly #directory: string
  readonly #print: (line: string) => void
  readonly #registers: { planned: PlannedRegister; key: string; writers: string[] }[]
  readonly #history: HistoryWriter
  /** Nothing new is begun. */
  readonly #over = new AbortController()
  /** Nothing is read any more. */
  readonly #ended = new AbortController()
  #epoch = 0
  #isFailingOver = false
  readonly #mitigations: MitigationRecord[] = []
  readonly #app: string

  constructor(
    world: World,
    plan: Plan,
    options: { name: string; directory: string; print: (line: string) => void },
  ) {
    this.#world = world
    this.#plan = plan
    this.#directory = options.directory
    this.#print = options.print
    this.#app = `app-${options.name}`
    this.#history = new HistoryWriter(join(options.directory, 'events.jsonl'))
    this.#registers = plan.registers.map((planned, index) => ({
      planned,
      key: `${planned.name}:${options.name}`,
      writers: PROCESSES.map((_, at) => PROCESSES[(index + at) % PROCESSES.length] ?? '').slice(
        0,
        planned.writers,
      ),
    }))
  }

  async run(): Promise<RoundResult> {
    const workers = PROCESSES.map((process, index) => this.#startWorker(process, index))
    try {
      await Promise.all(workers.map((worker) => worker.heard('ready')))
      const mitigating = this.#registers.map(({ planned, key }) => this.#mitigate(planned, key))
      const harming = this.#harm()
      const watching = this.#watchFailovers()
      await Promise.race([this.#untilOver(harming), ...mitigating.map(throwing), throwing(harming)])
      this.#over.abort()
      await Promise.all([...mitigating, harming])
      for (const [order, news] of [
        ['settle', 'settled'],
        ['end', 'ended'],
      ] as const) {
        await Promise.all(workers.map((worker) => worker.order({ kind: order }, news)))
      }
      this.#ended.abort()
      await watching
      await this.#history.close()
      const paths = ['events', ...PROCESSES].map((name) => join(this.#directory, `${name}.jsonl`))
      return { verdict: checkHistory(readHistory(paths)), mitigations: this.#mitigations }
    } finally {
      this.#over.abort()
      this.#ended.abort()
      for (const worker of workers) worker.end()
    }
  }

  async #untilOver(harming: Promise<void>): Promise<void> {
    await sleep(this.#plan.lengthMs)
    if (!this.#plan.isWhole) return
    await harming
    const kinds = new Set(
      this.#plan.registers.flatMap(({ mitigations }) => mitigations.map(({ how }) => how)),
    )
    await until(
      'each kind has been in force',
      () => {
        for (const { how, activeAfterMs } of this.#mitigations) if (activeAfterMs !== null) kinds.delete(how)
        return kinds.size === 0
      },
      WHOLE_WITHIN_MS,
    )
  }

  #startWorker(process: string, index: number): WorkerProcess {
    return new WorkerProcess({
      process,
      via: process === BARE_PROCESS ? 'bare' : 'library',
      app: this.#app,
      seeds: this.#world.seeds,
      registers: this.#registers.map(
        ({ planned, key, writers }): RegisterPlan => ({ key, type: planned.type, writers }),
      ),
      readEveryMs: READ_EVERY_MS,
      writeEveryMs: WRITE_EVERY_MS,
      historyPath: join(this.#directory, `${process}.jsonl`),
      seed: this.#plan.seed * 100 + index,
    })
  }

  async #mitigate(register: PlannedRegister, key: string): Promise<void> {
    for (const planned of register.mitigations) {
      if (!(await this.#pause(planned.afterMs))) return
      // A key that its writers have just deleted is refused, and is there again soon.
      while ((await this.#carryOut(planned, key)) === 'refused') {
        if (!(await this.#pause(ASK_AGAIN_MS))) return
      }
    }
  }

  /** @returns how it ended */
  async #carryOut({ how, holdMs }: PlannedMitigation, key: string): Promise<string | null> {
    const { store } = this.#world
    const fromUs = nowUs()
    const { mitigation } = await createMitigation(
      store,
      {
        ...MITIGATION_KINDS[how],
        cacheId: CACHE_ID,
        target: { kind: 'key', db: 0, keyBase64: Buffer.from(key).toString('base64') },
        expiresInSeconds: 3_600,
        actor: 'soak',
        reason: 'consistency',
        overrides: [],
        dryRun: false,
      },
      { idempotencyKey: null, preview: null, label: key, now: Date.now() },
    )
    const { mitigationId } = mitigation
    const record: MitigationRecord = {
      ...{ mitigationId, how, key, activeAfterMs: null, offAfterMs: null },
      ...{ outcome: null, message: null, acknowledged: null },
    }
    this.#mitigations.push(record)
    const isUp = async () => {
      const { phase } = await this.#look(record)
      if (phase === 'active') record.activeAfterMs ??= (nowUs() - fromUs) / 1_000
      return phase === 'prepare' || phase === 'active'
    }
    while (record.activeAfterMs === null && (await isUp())) {
      if (!(await this.#pause(100))) break
    }
    const holdUntil = nowUs() + holdMs * 1_000
    while (nowUs() < holdUntil && (await isUp())) if (!(await this.#pause(100))) break
    const drainedUs = nowUs()
    if (await isUp()) {
      await drainMitigation(store, mitigationId, { actor: 'soak', reason: 'end of its time' }, Date.now())
    }
    await until(
      `${how} of ${key} is off`,
      async () => (await this.#look(record)).phase === 'off',
      OFF_WITHIN_MS,
    )
    const toUs = nowUs()
    record.offAfterMs = (toUs - drainedUs) / 1_000
    this.#history.add({ kind: 'span', mitigationId, action: how, key, fromUs, toUs, ...promisedSpan(how) })
    this.#print(describeRecord(record))
    return record.outcome
  }

  async #look(record: MitigationRecord): Promise<{ phase: string }> {
    const { rows } = await this.#world.store.pool.query<{
      phase: string
      outcome: string | null
      message: string | null
      acknowledgement: { applied: number; instances: number } | null
    }>('SELECT phase, outcome, message, acknowledgement FROM mitigation WHERE mitigation_id = $1', [
      record.mitigationId,
    ])
    const [row] = rows
    if (row === undefined) throw new Error(`mitigation ${record.mitigationId} is gone`)
    record.outcome = row.outcome
    record.message = row.message
    const { phase, acknowledgement } = row
    if (phase === 'active' && acknowledgement) {
      record.acknowledged = `${acknowledgement.applied} of ${acknowledgement.instances}`
    }
    return { phase }
  }

  async #harm(): Promise<void> {
    const keys = this.#registers.map(({ key }) => key)
    for (const planned of this.#plan.faults) {
      if (!(await this.#pause(planned.afterMs))) return
      this.#isFailingOver = planned.name === 'kill-primary' || planned.name === 'stop-primary'
      const fault = await injectFault(this.#world, planned, keys)
      this.#epoch = (await this.#world.epoch()) ?? this.#epoch
      this.#isFailingOver = false
      this.#history.add(fault)
      const seconds = ((fault.endedUs - fault.startedUs) / 1e6).toFixed(1)
      this.#print(`  ${fault.name} of ${fault.target}: recovered after ${seconds} s`)
    }
  }

  /** One that nobody planned, on a machine that was too busy, may lose writes as well as a planned one. */
  async #watchFailovers(): Promise<void> {
    this.#epoch = (await this.#world.epoch()) ?? 0
    for (let lookedUs = nowUs(); await pause(EPOCH_EVERY_MS, this.#ended.signal); lookedUs = nowUs()) {
      const epoch = this.#isFailingOver ? null : await this.#world.epoch()
      if (epoch === null || epoch <= this.#epoch || this.#isFailingOver) continue
      this.#epoch = epoch
      await this.#world.untilClusterIsWhole()
      const mayLose = this.#registers.map(({ key }) => key)
      const times = { startedUs: lookedUs, endedUs: nowUs() }
      this.#history.add({ kind: 'fault', name: 'unplanned-failover', target: 'a shard', mayLose, ...times })
      this.#print('  a failover that nobody planned')
    }
  }

  /** @returns false when the round is over */
  #pause(ms: number): Promise<boolean> {
    return pause(ms, this.#over.signal)
  }
}

class WorkerProcess {
  readonly #child: ChildProcess
  readonly #heard = new Set<WorkerNews['kind']>()
  readonly #name: string

  constructor(options: WorkerOptions) {
    this.#name = options.process
    this.#child = fork(WORKER, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#child.on('message', (news: WorkerNews) => this.#heard.add(news.kind))
  }

  async heard(kind: WorkerNews['kind']): Promise<void> {
    await until(`process ${this.#name} is ${kind}`, () => {
      if (this.#heard.has(kind)) return true
      if (this.#child.exitCode !== null) throw new Error(`it ended with ${this.#child.exitCode}`)
      return false
    })
  }

  async order(order: WorkerOrder, answer: WorkerNews['kind']): Promise<void> {
    this.#child.send(order)
    await this.heard(answer)
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}

/** @returns false when it was aborted */
const pause = (ms: number, signal: AbortSignal): Promise<boolean> =>
  sleep(ms, true, { signal }).catch(() => false)

/** Rejects as the promise does, and never resolves. */
function throwing(promise: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => promise.catch(reject))
}

function describeRecord(record: MitigationRecord): string {
  const active =
    record.activeAfterMs === null ? 'never active' : `active after ${seconds(record.activeAfterMs)}`
  const off = record.offAfterMs === null ? '' : `, off ${seconds(record.offAfterMs)} after its drain`
  const acknowledged = record.acknowledged === null ? '' : `, applied on ${record.acknowledged}`
  const outcome = record.outcome === null ? '' : ` (${record.outcome}: ${record.message ?? 'no message'})`
  return `  ${record.how} of ${record.key}: ${active}${acknowledged}${off}${outcome}`
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
