/** A MONITOR stream as a server would print it, drawn from a Zipf law and written to a file. */
import { open } from 'node:fs/promises'
import { seededRandom, zipf } from './zipf.ts'

export type StreamSpec = {
  lines: number
  keys: number
  exponent: number
  /** Of the commands, those that are GETs (0 to 1); the rest are SETs. */
  gets: number
  /** The key's bytes as MONITOR prints them. */
  printKey(id: number): string
  /** The value of a SET as MONITOR prints it. */
  value: string
}

export type RecordedStream = { lines: number; bytes: number; hottest: string }

const BATCH_BYTES = 4 * 1024 * 1024
const CLIENTS = 50
/** Ranks are scattered over the ids by a factor without a divisor in common with the number of keys. */
const SCATTER = 7_919

/** @returns what was written, and the key that came most often as it was printed */
export async function recordStream(path: string, spec: StreamSpec): Promise<RecordedStream> {
  const random = seededRandom(1)
  const draw = zipf(spec.keys, spec.exponent, random)
  const file = await open(path, 'w')
  const batch = Buffer.alloc(BATCH_BYTES)
  let filled = 0
  let bytes = 0
  try {
    for (let line = 0; line < spec.lines; line++) {
      const key = spec.printKey((draw() * SCATTER) % spec.keys)
      const micros = String(line % 1_000_000).padStart(6, '0')
      const port = 50_000 + Math.floor(random() * CLIENTS)
      const words = random() < spec.gets ? `"GET" "${key}"` : `"SET" "${key}" "${spec.value}"`
      const text = `+${1_700_000_000 + Math.floor(line / 1_000_000)}.${micros} [0 127.0.0.1:${port}] ${words}\r\n`
      if (filled + text.length > BATCH_BYTES) {
        await file.write(batch, 0, filled)
        filled = 0
      }
      filled += batch.write(text, filled, 'latin1')
      bytes += text.length
    }
    await file.write(batch, 0, filled)
  } finally {
    await file.close()
  }
  return { lines: spec.lines, bytes, hottest: spec.printKey(0) }
}

/** Sixteen bytes, as keys often have: 76 bytes a line with a value of 52 bytes in each fifth. */
export function plainKey(id: number): string {
  return `article:${String(id).padStart(8, '0')}`
}

/** Sixteen bytes of which MONITOR escapes most. */
export function binaryKey(id: number): string {
  let key = ''
  for (let at = 0; at < 16; at++) {
    const byte = 0x80 | (Math.imul(id + 1, 0x9e3779b1 + at * 2) >>> 25)
    key += `\\x${byte.toString(16)}`
  }
  return key
}
