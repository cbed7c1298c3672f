/** Ticks as they wait in memory: put together, told empty from full, and written as bytes. */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Tick, Topology } from '../core/sample.ts'

export type TickContent = Omit<Tick, 'at'>
/** What the writer saves, in this order. */
export type Item = { kind: 'tick'; tick: Tick } | { kind: 'topology'; topology: Topology }

export function emptyTickParts(): TickContent {
  return {
    statuses: [],
    samples: [],
    commands: [],
    keyspaces: [],
    hotKeys: [],
    hotPatterns: [],
    slowlog: [],
    events: [],
    infos: [],
  }
}

export function isEmptyTick(tick: TickContent): boolean {
  return [
    tick.statuses,
    tick.samples,
    tick.commands,
    tick.keyspaces,
    tick.hotKeys,
    tick.hotPatterns,
    tick.slowlog,
    tick.events,
    tick.infos,
  ].every((rows) => rows.length === 0)
}

/** One tick of several, in order; its time is the last one's. Of each node only the last status and INFO count. */
export function mergeTicks(at: number, parts: readonly TickContent[]): Tick {
  const all = <K extends keyof TickContent>(name: K) =>
    parts.flatMap((part) => part[name] as unknown[]) as TickContent[K]
  const last = <T extends { cacheId: string; address: string }>(rows: T[]) => [
    ...new Map(rows.map((row) => [`${row.cacheId} ${row.address}`, row])).values(),
  ]
  return {
    at,
    statuses: last(all('statuses')),
    samples: all('samples'),
    commands: all('commands'),
    keyspaces: all('keyspaces'),
    hotKeys: all('hotKeys'),
    hotPatterns: all('hotPatterns'),
    slowlog: all('slowlog'),
    events: all('events'),
    infos: last(all('infos')),
  }
}

/** Deflated JSON: about a twentieth of the rows in memory. Keys are bytes and stay so. */
export function encodeItem(item: Item): Buffer {
  // `this[name]`: a Buffer has turned itself into an object by the time it is `value`.
  const json = JSON.stringify(item, function (this: Record<string, unknown>, name, value: unknown) {
    const raw = this[name]
    return raw instanceof Uint8Array ? { $bytes: Buffer.from(raw).toString('base64') } : value
  })
  return deflateRawSync(json, { level: 1 })
}

export function decodeItem(bytes: Buffer): Item {
  return JSON.parse(inflateRawSync(bytes).toString('utf8'), (_, value: unknown) =>
    isBytes(value) ? Uint8Array.from(Buffer.from(value.$bytes, 'base64')) : value,
  ) as Item
}

function isBytes(value: unknown): value is { $bytes: string } {
  return typeof value === 'object' && value !== null && '$bytes' in value && typeof value.$bytes === 'string'
}
