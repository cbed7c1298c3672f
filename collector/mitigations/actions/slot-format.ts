/** Whether a server reads keys as another one writes them: DUMP puts the version of its format into each. */
import type { InfoReading } from '../../sources/info.ts'
import type { ActionContext } from '../action.ts'
import { Ended, readInfo } from './server-action.ts'
import type { Side } from './slot-view.ts'

type Server = Pick<InfoReading, 'engine' | 'version'>

/** RDB_VERSION of rdb.h, for the releases from the first to the last of each line. */
const FORMATS = [
  { engine: 'redis', first: 5_000, last: 6_002, rdb: 9 },
  { engine: 'redis', first: 7_000, last: 7_000, rdb: 10 },
  { engine: 'redis', first: 7_002, last: 7_002, rdb: 11 },
  { engine: 'redis', first: 7_004, last: 8_000, rdb: 12 },
  { engine: 'valkey', first: 7_002, last: 8_001, rdb: 11 },
]
/** The last that both engines write: each goes its own way from there. */
const LAST_COMMON = 11

/** True for what is not known. */
export function readsKeysOf(source: Server, destination: Server): boolean {
  const [from, to] = [numberOf(source), numberOf(destination)]
  if (from === null || to === null) return true
  const [written, read] = [formatOf(source.engine, from), formatOf(destination.engine, to)]
  if (source.engine === destination.engine) return to >= from || (written !== null && written === read)
  // A release that is not in the table is newer than those that are.
  return written !== null && written <= LAST_COMMON && (read ?? LAST_COMMON) >= written
}

/** @throws Ended with what keys of the one would be to the other */
export async function checkFormat(
  context: ActionContext,
  source: Side,
  destination: Side,
  kind: 'refused' | 'failed',
): Promise<void> {
  const [from, to] = [await readInfo(context, source.address), await readInfo(context, destination.address)]
  if (!readsKeysOf(from, to))
    throw new Ended({ kind, message: unreadable(source.address, destination.address) })
}

export function unreadable(source: string, destination: string): string {
  return `${destination} cannot read keys as ${source} writes them: its version is older, or its engine another. Choose a shard with the same version, or a newer one.`
}

/** `7.2.4` is 7002. */
function numberOf({ version }: Server): number | null {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? []
  return major === undefined ? null : Number(major) * 1_000 + Number(minor)
}

function formatOf(engine: string, version: number): number | null {
  const line = FORMATS.find((one) => one.engine === engine && one.first <= version && version <= one.last)
  return line?.rdb ?? null
}
