/** Who is who in a cluster, read from CLUSTER NODES. */

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
