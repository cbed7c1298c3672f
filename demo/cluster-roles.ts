/** Who is who in the demo's cluster now, from CLUSTER NODES. */
import { connect, type Fleet } from './fleet.ts'

export type NodeRole = { address: string; isPrimary: boolean; isFailed: boolean; slots: string[] }

export function parseClusterNodes(text: string): NodeRole[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, address = '', flags = '', , , , , , ...slots] = line.split(' ')
      const words = flags.split(',')
      return {
        address: address.replace(/@.*/, ''),
        isPrimary: words.includes('master'),
        isFailed: words.includes('fail'),
        slots: slots.filter((slot) => !slot.startsWith('[')),
      }
    })
}

/** As the first node that answers sees them. */
export async function readRoles(fleet: Fleet): Promise<NodeRole[]> {
  for (const node of fleet.nodes) {
    if (node.process.pid === null) continue
    const client = connect(node.port)
    try {
      return parseClusterNodes(String(await client.call('CLUSTER', 'NODES')))
    } catch {
      // paused, perhaps: another one may answer
    } finally {
      client.disconnect()
    }
  }
  throw new Error('No node of the demo answers. Undo the faults: cachescope demo:fault heal')
}

/** The primary that owns a slot; null when none does. */
export function ownerOf(slot: number, roles: NodeRole[]): NodeRole | null {
  return (
    roles.find(
      (role) =>
        role.isPrimary &&
        role.slots.some((range) => {
          const [first = Number.NaN, last = first] = range.split('-').map(Number)
          return slot >= first && slot <= last
        }),
    ) ?? null
  )
}
