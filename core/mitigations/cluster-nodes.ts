/** CLUSTER NODES with what a move of slots needs: who owns a slot, and what is on its way. */

export type ClusterNodeLine = {
  id: string
  /** As the cluster announces it, for a node to connect to. */
  host: string
  port: number
  isMyself: boolean
  isPrimary: boolean
  isFailing: boolean
  slots: [number, number][]
}
export type ClusterNodes = {
  nodes: ClusterNodeLine[]
  /** Of the node that was asked: the other side of each slot on the move. */
  migrating: Map<number, string>
  importing: Map<number, string>
}

/** `<id> <ip:port@bus[,hostname]> <flags> <primary> <ping> <pong> <epoch> <link> <slots…>` */
export function parseClusterNodes(text: string): ClusterNodes {
  const view: ClusterNodes = { nodes: [], migrating: new Map(), importing: new Map() }
  for (const line of text.split('\n')) {
    const [id, place, flagText, , , , , , ...ranges] = line.trim().split(' ')
    const address = /^(.*):(\d+)(?:@\d+)?$/.exec(place?.split(',')[0] ?? '')
    if (!id || !flagText || !address?.[2]) continue
    const flags = flagText.split(',')
    const slots: [number, number][] = []
    for (const range of ranges) {
      const owned = /^(\d+)(?:-(\d+))?$/.exec(range)
      if (owned) slots.push([Number(owned[1]), Number(owned[2] ?? owned[1])])
      const moving = /^\[(\d+)-([<>])-(\w+)\]$/.exec(range)
      if (moving?.[3]) view[moving[2] === '>' ? 'migrating' : 'importing'].set(Number(moving[1]), moving[3])
    }
    view.nodes.push({
      id,
      host: address[1] ?? '',
      port: Number(address[2]),
      isMyself: flags.includes('myself'),
      isPrimary: flags.includes('master'),
      isFailing: flags.some((flag) => flag.startsWith('fail') || flag === 'noaddr'),
      slots,
    })
  }
  return view
}

/** The id of a slot's owner; null where nobody has it. */
export function ownerOf(view: ClusterNodes, slot: number): string | null {
  const owner = view.nodes.find(({ slots }) => slots.some(([from, to]) => from <= slot && slot <= to))
  return owner?.id ?? null
}
