/** A heartbeat within its bounds: what is least needed is left out first. */
import type { Heartbeat } from '../core/protocol/heartbeat.ts'
import { HEARTBEAT_MAX_BYTES } from '../core/protocol/policy.ts'

const MAX_CONNECTIONS = 1_000

/**
 * @returns as far as its JSON is too long without how long reads took, of the coldest keys first, then of policies; then
 *   without its coldest keys, then without its last connections
 */
export function fitHeartbeat(heartbeat: Heartbeat): Heartbeat {
  const { hotKeys } = heartbeat
  const keys = [...hotKeys.keys]
  const policies = [...heartbeat.policies]
  const connections = heartbeat.connections.slice(0, MAX_CONNECTIONS)
  const fitted = { ...heartbeat, policies, connections, hotKeys: { ...hotKeys, keys } }
  let over = sizeOf(fitted) - HEARTBEAT_MAX_BYTES
  over = withoutWaits(keys, over)
  over = withoutWaits(policies, over)
  for (const list of [keys, connections]) {
    while (over > 0 && list.length > 0) over -= sizeOf(list.pop()) + (list.length > 0 ? 1 : 0)
  }
  return fitted
}

/** From the last on, as long as there are bytes over. @returns how many still are */
function withoutWaits<T extends { timed?: number; waits?: unknown }>(list: T[], over: number): number {
  let left = over
  for (let index = list.length - 1; index >= 0 && left > 0; index--) {
    const one = list[index]
    if (one?.waits === undefined) continue
    const rest = { ...one }
    delete rest.timed
    delete rest.waits
    left -= sizeOf(one) - sizeOf(rest)
    list[index] = rest
  }
  return left
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))
