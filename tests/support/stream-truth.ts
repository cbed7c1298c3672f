/** Streams of very many lines drawn from a few generated ones, with an exact count of what is in them. */
import type { MergedWindow } from '../../core/hot-keys/window.ts'
import { type GeneratedLine, type LineKind, NUMBER_DIGITS } from './stream-lines.ts'

const NUMBERS = 10 ** NUMBER_DIGITS
const SECOND_MS = 1_000

export type Random = () => number

/** Uniform in [0, 1). */
export function randomFrom(seed: number): Random {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** One second's part of a stream: where it ends, and the uses of each line that end in it. */
type Slice = { end: number; now: number; uses: Uint32Array; numbers: Map<number, Uint32Array> }

export type Stream = { bytes: Buffer; slices: Slice[]; lines: readonly GeneratedLine[] }

/** Lines come by a law that lets a few make up most; seconds end anywhere. */
export function drawStream(
  lines: readonly GeneratedLine[],
  count: number,
  now: number,
  seconds: number,
  random: Random,
): Stream {
  const longest = Math.max(...lines.map(({ bytes }) => bytes.length))
  let bytes = Buffer.allocUnsafe(Math.min(count * longest, 1_024 * 1_024))
  const drawn = new Uint32Array(count)
  const numbers = new Uint32Array(count)
  const ends = new Uint32Array(count)
  let at = 0
  for (let index = 0; index < count; index++) {
    const number = Math.floor(lines.length * random() ** 2)
    const line = lines[number] as GeneratedLine
    if (at + longest > bytes.length) bytes = Buffer.concat([bytes], bytes.length * 2 + longest)
    bytes.set(line.bytes, at)
    if (line.numberAt !== null) numbers[index] = writeNumber(bytes, at + line.numberAt, random)
    at += line.bytes.length
    drawn[index] = number
    ends[index] = at
  }
  const borders = Array.from({ length: seconds - 1 }, () => Math.floor(random() * (at + 1))).sort(
    (one, other) => one - other,
  )
  const slices = [...borders, at].map((end, second) => ({
    end,
    now: now + second * SECOND_MS,
    uses: new Uint32Array(lines.length),
    numbers: new Map<number, Uint32Array>(),
  }))
  let second = 0
  for (let index = 0; index < count; index++) {
    while ((ends[index] as number) > (slices[second] as Slice).end) second++
    const slice = slices[second] as Slice
    const number = drawn[index] as number
    slice.uses[number] = (slice.uses[number] as number) + 1
    const line = lines[number] as GeneratedLine
    const key = line.keys[0]
    if (line.numberAt === null || key === undefined) continue
    const counts = slice.numbers.get(key.db) ?? new Uint32Array(NUMBERS)
    slice.numbers.set(key.db, counts)
    counts[numbers[index] as number] = (counts[numbers[index] as number] as number) + 1
  }
  return { bytes: bytes.subarray(0, at), slices, lines }
}

/** Small ones mostly. */
function writeNumber(bytes: Buffer, at: number, random: Random): number {
  const number = Math.floor(NUMBERS * random() ** 6)
  for (let digit = at + NUMBER_DIGITS - 1, rest = number; digit >= at; digit--, rest = Math.floor(rest / 10))
    bytes[digit] = 48 + (rest % 10)
  return number
}

export function countLines({
  slices,
  lines,
}: Stream): Record<LineKind, number> & { lines: number; unknown: number } {
  const counts = { lines: 0, commands: 0, scripted: 0, own: 0, replicated: 0, malformed: 0, unknown: 0 }
  for (const { uses } of slices) {
    uses.forEach((count, index) => {
      const { kind, unknown } = lines[index] as GeneratedLine
      counts.lines += count
      counts[kind] += count
      if (unknown) counts.unknown += count
    })
  }
  return counts
}

/** What the engines' answer gets wrong, in words; null when the truth is within all its bounds. */
export function findFault(stream: Stream, window: MergedWindow | null): string | null {
  const slices = stream.slices.map((slice) => ({ slice, ...sumSlice(stream.lines, slice) }))
  const seen = slices.filter(({ commands }) => commands > 0)
  if (window === null) return seen.length === 0 ? null : 'no answer'
  const total = (value: (slice: (typeof slices)[number]) => number) =>
    seen.reduce((sum, slice) => sum + value(slice), 0)
  if (window.commands !== total(({ commands }) => commands)) return `${window.commands} commands`
  if (window.others !== slices.reduce((sum, { others }) => sum + others, 0)) return `${window.others} others`
  if (window.keyUses !== total(({ keyUses }) => keyUses)) return `${window.keyUses} uses of keys`
  const weights = window.sample.reduce((sum, { weight }) => sum + weight, 0)
  if (Math.abs(weights - window.keyUses) > 1e-6 * window.keyUses) return `a sample of ${weights} uses`
  /** What a key that was not among the entries of a slice can have been used at most. */
  const absentMax = seen.map(() => Number.POSITIVE_INFINITY)
  for (const { key, db, slices: counts } of window.keys) {
    const text = Buffer.from(key).toString('latin1')
    for (const [index, { low, high }] of counts.entries()) {
      const one = seen[index]
      if (one === undefined) return `${counts.length} slices`
      const truth = usesOf(one, text, db)
      if (truth < low || truth > high)
        return `${db} ${JSON.stringify(text)}: ${truth} is not in ${low} to ${high}`
      if (low === 0) absentMax[index] = high
      one.keys.delete(`${db} ${text}`)
    }
  }
  for (const [index, { keys }] of seen.entries()) {
    for (const [id, truth] of keys)
      if (truth > (absentMax[index] as number)) return `${id} is missing: ${truth} uses`
  }
  return null
}

type Summed = { slice: Slice; keys: Map<string, number> }

/** Keys without those that are numbered. */
function sumSlice(lines: readonly GeneratedLine[], { uses }: Slice) {
  const keys = new Map<string, number>()
  let commands = 0
  let others = 0
  let keyUses = 0
  uses.forEach((count, index) => {
    const line = lines[index] as GeneratedLine
    if (line.kind === 'commands') commands += count
    if (line.kind === 'scripted' || line.kind === 'replicated') others += count
    keyUses += count * line.keys.length
    if (line.numberAt !== null || count === 0) return
    for (const { key, db } of line.keys) keys.set(`${db} ${key}`, (keys.get(`${db} ${key}`) ?? 0) + count)
  })
  return { keys, commands, others, keyUses }
}

function usesOf({ slice, keys }: Summed, key: string, db: number): number {
  const number = /^number:(\d{5})$/.exec(key)?.[1]
  return (number === undefined ? keys.get(`${db} ${key}`) : slice.numbers.get(db)?.[Number(number)]) ?? 0
}
