/**
 * The processes that a run has started, in a file, so that a run after a kill -9 can end exactly those.
 * A pid alone may by then be somebody else's: the start time and the program must agree too.
 */
import { mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

const ProcessRecord = z.object({
  name: z.string(),
  pid: z.int().positive(),
  /** Clock ticks since boot, as /proc has it. */
  startTime: z.string(),
  /** The file it runs: titles change (`next-server`), this does not. */
  executable: z.string(),
})
export type ProcessRecord = z.infer<typeof ProcessRecord>

const ProcessFileContent = z.object({ supervisor: ProcessRecord, children: z.array(ProcessRecord) })

const LEFTOVER_GRACE_MS = 3_000

/** null when there is no such process, or only its zombie. */
function readProcess(name: string, pid: number): ProcessRecord | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const startTime = fields[19]
    if (startTime === undefined || fields[0] === 'Z') return null
    return { name, pid, startTime, executable: readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '') }
  } catch {
    return null
  }
}

function isAlive(record: ProcessRecord): boolean {
  const now = readProcess(record.name, record.pid)
  return now !== null && now.startTime === record.startTime && now.executable === record.executable
}

export class ProcessFile {
  readonly #path: string
  readonly #children = new Map<number, ProcessRecord>()

  constructor(path: string) {
    this.#path = path
  }

  /** The run that holds this file now, null when none does. */
  runningSupervisor(): ProcessRecord | null {
    const supervisor = this.#read()?.supervisor ?? null
    return supervisor !== null && supervisor.pid !== process.pid && isAlive(supervisor) ? supervisor : null
  }

  /** Ends what an earlier run left behind; resolves to what it ended. */
  async endLeftovers(): Promise<ProcessRecord[]> {
    const leftovers = (this.#read()?.children ?? []).filter(isAlive)
    await Promise.all(leftovers.map(endProcess))
    return leftovers
  }

  claim(): void {
    this.#write()
  }

  add(name: string, pid: number): void {
    const record = readProcess(name, pid)
    if (record === null) return
    this.#children.set(pid, record)
    this.#write()
  }

  delete(pid: number): void {
    if (this.#children.delete(pid)) this.#write()
  }

  /** After everything has ended. */
  remove(): void {
    rmSync(this.#path, { force: true })
  }

  #read(): z.infer<typeof ProcessFileContent> | null {
    try {
      const parsed = ProcessFileContent.safeParse(JSON.parse(readFileSync(this.#path, 'utf8')))
      return parsed.success ? parsed.data : null
    } catch {
      return null
    }
  }

  #write(): void {
    const supervisor = readProcess('cachescope', process.pid)
    mkdirSync(dirname(this.#path), { recursive: true })
    writeFileSync(
      `${this.#path}.new`,
      JSON.stringify({ supervisor, children: [...this.#children.values()] }, null, 2),
    )
    renameSync(`${this.#path}.new`, this.#path)
  }
}

async function endProcess(record: ProcessRecord): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!isAlive(record)) break
    send(record.pid, signal)
    // A paused process acts on nothing but SIGKILL until it goes on.
    send(record.pid, 'SIGCONT')
    const deadline = Date.now() + LEFTOVER_GRACE_MS
    while (isAlive(record) && Date.now() < deadline) await sleep(50)
  }
  // Each leads a group of its own: its number is not given anew while a member lives.
  send(-record.pid, 'SIGKILL')
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // already gone
  }
}
