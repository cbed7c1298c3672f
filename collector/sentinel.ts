/** What a Sentinel watches: its masters by name, with the addresses that are theirs now. */
import { NodeFailure } from './connection/failure.ts'
import type { NodeCommands } from './connection/node-connection.ts'
import { formatAddress } from './sources/info.ts'

export type SentinelMaster = { name: string; host: string; port: number; address: string }

/** @throws NodeFailure */
export async function readMasters(sentinel: NodeCommands): Promise<SentinelMaster[]> {
  const masters = parseMasters(await sentinel.call('SENTINEL', 'MASTERS'), sentinel.place.host)
  if (masters !== null) return masters
  const message = `What answers at ${sentinel.place.address} is no Sentinel: its answer cannot be read.`
  throw new NodeFailure({ state: 'error', message })
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/

/**
 * @param from the host by which the Sentinel is reached: a loopback address in its mouth is that host's
 * @returns by name; null for a reply that is none of SENTINEL MASTERS
 */
export function parseMasters(reply: unknown, from: string): SentinelMaster[] | null {
  if (!Array.isArray(reply)) return null
  const masters: SentinelMaster[] = []
  for (const entry of reply) {
    if (!Array.isArray(entry)) return null
    const fields = new Map<string, string>()
    for (let at = 0; at + 1 < entry.length; at += 2) fields.set(String(entry[at]), String(entry[at + 1]))
    const [name, ip, port] = [fields.get('name'), fields.get('ip'), Number(fields.get('port'))]
    if (name === undefined || ip === undefined || !Number.isInteger(port)) return null
    const host = LOOPBACK.test(ip) && !LOOPBACK.test(from) ? from : ip
    masters.push({ name, host, port, address: formatAddress(host, port) })
  }
  return masters.sort((one, other) => one.name.localeCompare(other.name))
}
