/** Key specifications for servers before Redis 7, whose COMMAND only has first, last and step. */
import type { KeySpec } from './key-spec.ts'

/** Commands whose keys move, or (MEMORY) have no place in first/last/step. */
const MOVABLE: Record<string, KeySpec[]> = {
  eval: [keynum(2, true)],
  evalsha: [keynum(2, true)],
  zunionstore: [range(1, 0, 1, true), keynum(2, false)],
  zinterstore: [range(1, 0, 1, true), keynum(2, false)],
  zdiffstore: [range(1, 0, 1, true), keynum(2, false)],
  zunion: [keynum(1, false)],
  zinter: [keynum(1, false)],
  zdiff: [keynum(1, false)],
  xread: [streams(1, false)],
  xreadgroup: [streams(4, false)],
  georadius: [range(1, 0, 1, false), after('store', 6), after('storedist', 6)],
  georadiusbymember: [range(1, 0, 1, false), after('store', 5), after('storedist', 5)],
  memory: [range(2, 0, 1, false)],
  sort: [range(1, 0, 1, false)],
}

/** Commands that write one key and read the others. */
const WRITES_ONLY_FIRST = new Set([
  'sinterstore',
  'sunionstore',
  'sdiffstore',
  'pfmerge',
  'zrangestore',
  'geosearchstore',
])

/** @param first, last, step as COMMAND has them: 0 where there is no key; a negative last counts from the end */
export function legacySpecs(
  name: string,
  first: number,
  last: number,
  step: number,
  write: boolean,
  movable: boolean,
): KeySpec[] {
  const known = MOVABLE[name]
  if (known !== undefined && (movable || first > 0)) return [...known]
  if (first <= 0) return []
  if (name === 'bitop') return [range(2, 0, 1, true), range(3, -1, 1, false)]
  if (name === 'copy') return [range(1, 0, 1, false), range(2, 0, 1, true)]
  const relativeLast = last < 0 ? last : last - first
  if (WRITES_ONLY_FIRST.has(name))
    return [range(first, 0, 1, true), range(first + 1, Math.min(last, 0), 1, false)]
  return [range(first, relativeLast, Math.max(1, step), write)]
}

function range(index: number, last: number, step: number, write: boolean): KeySpec {
  return { begin: { kind: 'index', index }, find: { kind: 'range', last, step, limit: 0 }, write }
}

function keynum(index: number, write: boolean): KeySpec {
  return { begin: { kind: 'index', index }, find: { kind: 'keynum', countAt: 0, first: 1, step: 1 }, write }
}

function streams(from: number, write: boolean): KeySpec {
  return {
    begin: { kind: 'keyword', keyword: 'streams', from },
    find: { kind: 'range', last: -1, step: 1, limit: 2 },
    write,
  }
}

function after(keyword: string, from: number): KeySpec {
  return {
    begin: { kind: 'keyword', keyword, from },
    find: { kind: 'range', last: 0, step: 1, limit: 0 },
    write: true,
  }
}
