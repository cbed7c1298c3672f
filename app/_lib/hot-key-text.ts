/** What a hot key's row can say in words: its source, its figure where that is no rate, its command. */
import { isScript } from '../../core/hot-keys/script-commands.ts'
import type { HotKey, Source } from '../../core/model.ts'
import { formatShare } from './format.ts'

/** `tells`: what the source knows of a key, and what it does not. */
export const SOURCES: Record<Source, { label: string; tells: string }> = {
  monitor: {
    label: 'MONITOR',
    tells: 'Short bursts of MONITOR: shares and rates by a sample of the commands, each with its interval.',
  },
  hotkeys: {
    label: 'HOTKEYS',
    tells: 'The server’s own HOTKEYS: Valkey counts requests, Redis only CPU time and bytes, so no rate.',
  },
  lfu: {
    label: 'LFU',
    tells: 'OBJECT FREQ of sampled keys: a logarithmic counter, which gives a rank and no rate.',
  },
  'slot-stats': {
    label: 'SLOT-STATS',
    tells: 'CLUSTER SLOT-STATS: the busiest slots by CPU time, narrowed to a key; no rate.',
  },
  watch: {
    label: 'watch',
    tells: 'Memcached’s watch: shares and rates of the commands it logged, corrected for those it dropped.',
  },
  client: {
    label: 'applications',
    tells:
      'Counted by the applications that use the library, from a sample of their commands: rates with intervals. Clients without it are not seen.',
  },
}

/** `GET`, `Lua · EVALSHA`; null where the source does not tell. */
export function commandText(command: string | null): string | null {
  if (command === null) return null
  const name = command.toUpperCase()
  return isScript(name) ? `Lua · ${name}` : name
}

/** @returns the share of reads over rows that have a rate; null where one of them does not tell reads from writes */
export function readShare(rows: readonly Pick<HotKey, 'opsPerSec' | 'readsPerSec'>[]): number | null {
  const rated = rows.filter(({ opsPerSec }) => opsPerSec !== null)
  if (rated.some(({ readsPerSec }) => readsPerSec === null)) return null
  const uses = rated.reduce((sum, { opsPerSec }) => sum + (opsPerSec ?? 0), 0)
  const reads = rated.reduce((sum, { readsPerSec }) => sum + (readsPerSec ?? 0), 0)
  return uses > 0 ? Math.min(1, reads / uses) : null
}

/** Whether a pattern, read as a glob, finds its own keys: not where it holds what a glob means otherwise. */
export function isGlobOfItself(pattern: string): boolean {
  return pattern !== '' && !/[\\?]/.test(pattern)
}

type Figured = Pick<HotKey, 'cpuShare' | 'lfuCounter' | 'rank'>

/** What a row without a rate has in its place: a share of the node's command time, a counter, or its rank alone. */
export function figureText({ cpuShare, lfuCounter, rank }: Figured): string {
  if (cpuShare !== null) return `${formatShare(cpuShare)} of command time`
  if (lfuCounter !== null) return `counter ${lfuCounter} of 255`
  return `rank ${rank}`
}
