/** What children print: everything into a file of bounded size, and to the terminal what a person must see. */
import { appendFileSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

const MAX_FILE_BYTES = 10 * 1024 * 1024

/** A line for the terminal, null to keep it out of sight. */
export type LineFilter = (line: string) => string | null

const PINO_LEVELS = new Map([
  [40, 'warning'],
  [50, 'error'],
  [60, 'fatal'],
])

/** pino's JSON lines from warnings up; other lines (a crash before the logger works) as they are. */
export function structuredLogFilter(line: string): string | null {
  const entry = parseObject(line)
  if (entry === null) return line
  const level = PINO_LEVELS.get(Number(entry.level))
  if (level === undefined) return null
  const details = ['cacheId', 'address', 'node'].flatMap((name) => {
    const value = entry[name]
    return typeof value === 'string' ? [value] : []
  })
  return `${level}: ${[...details, entry.msg].filter((part) => part !== undefined).join(' ')}`
}

export const errorsOnlyFilter: LineFilter = (line) => (/\b(error|fatal|panic)\b|⨯/i.test(line) ? line : null)

function parseObject(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

/** Splits a stream's chunks into lines; the last may come without its newline when the stream ends. */
export class LineSplitter {
  readonly #onLine: (line: string) => void
  #rest = ''

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  push(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#onLine(line.replace(/\r$/, ''))
  }

  end(): void {
    if (this.#rest !== '') this.#onLine(this.#rest)
    this.#rest = ''
  }
}

/** Appends to a file, and starts it anew (keeping one old one) when it has grown too large. */
export class LogFile {
  readonly #path: string
  #sizeBytes: number

  constructor(path: string) {
    this.#path = path
    mkdirSync(dirname(path), { recursive: true })
    this.#sizeBytes = sizeOf(path)
  }

  /** A line that cannot be written (the disk is full, the directory was removed) is lost: no log ends what it tells of. */
  write(line: string): void {
    try {
      this.#append(line)
    } catch {}
  }

  #append(line: string): void {
    if (this.#sizeBytes > MAX_FILE_BYTES) {
      rmSync(`${this.#path}.old`, { force: true })
      renameSync(this.#path, `${this.#path}.old`)
      this.#sizeBytes = 0
    }
    appendFileSync(this.#path, `${line}\n`)
    this.#sizeBytes += line.length + 1
  }
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size
  } catch {
    return 0
  }
}
