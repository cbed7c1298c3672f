/** Faults on purpose, on the running demo's own processes only; each says what it did and how to undo it. */
import calculateSlot from 'cluster-key-slot'
import { type NodeRole, ownerOf } from './cluster-roles.ts'
import type { FaultAnswer, FaultRequest } from './control.ts'
import { connect, type Fleet, type FleetNode, readRoles } from './fleet.ts'
import { articleKey } from './shop/articles.ts'
import { VIRAL_ARTICLE } from './shop/viral.ts'

const UNDO = 'Undo: cachescope demo:fault heal'
/** Within a second the replica runs this long: it answers, late, and applies what it missed in bursts. */
const LAG_RUN_MS = 50
const LAG_PERIOD_MS = 1_500

export class Faults {
  readonly #fleet: Fleet
  readonly #paused = new Set<FleetNode>()
  readonly #lagging = new Map<FleetNode, NodeJS.Timeout>()

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  async apply(request: FaultRequest): Promise<FaultAnswer> {
    if (request.fault === 'heal') return this.#heal()
    if (request.fault === 'flush') return this.#flush()
    const roles = await readRoles(this.#fleet)
    const wantsReplica = request.fault === 'lag-replica'
    const role = request.node === null ? choose(roles, wantsReplica) : this.#find(request.node, roles)
    if (wantsReplica && role.isPrimary)
      return refused(`${role.address} is a primary; only a replica can lag.`)
    const node = this.#fleet.nodes.find((each) => each.address === role.address) as FleetNode
    if (node.process.pid === null) return refused(`${node.address} does not run already. ${UNDO}`)
    if (request.fault === 'kill-node') return this.#kill(node, role)
    return wantsReplica ? this.#lag(node) : this.#pause(node, role)
  }

  /** Before everything is stopped. */
  close(): void {
    for (const timer of this.#lagging.values()) clearInterval(timer)
  }

  #find(address: string, roles: NodeRole[]): NodeRole {
    const role = roles.find((each) => each.address === address)
    if (role !== undefined) return role
    const own = this.#fleet.nodes.map((node) => node.address).join(', ')
    throw new Error(`${address} is no node of the demo; these are: ${own}`)
  }

  #kill(node: FleetNode, role: NodeRole): FaultAnswer {
    node.process.signal('SIGKILL')
    return done(
      `Killed ${nodeInWords(role)} with SIGKILL.${failoverHint(role)}\nUndo (starts it again): cachescope demo:fault heal`,
    )
  }

  #pause(node: FleetNode, role: NodeRole): FaultAnswer {
    node.process.signal('SIGSTOP')
    this.#paused.add(node)
    return done(
      `Paused ${nodeInWords(role)} with SIGSTOP: it is connected to and does not answer.${failoverHint(role)}\n${UNDO}`,
    )
  }

  #lag(node: FleetNode): FaultAnswer {
    clearInterval(this.#lagging.get(node))
    const beat = () => {
      node.process.signal('SIGCONT')
      setTimeout(() => {
        if (this.#lagging.has(node)) node.process.signal('SIGSTOP')
      }, LAG_RUN_MS)
    }
    this.#lagging.set(node, setInterval(beat, LAG_PERIOD_MS))
    beat()
    return done(
      `The replica ${node.address} now runs ${LAG_RUN_MS} of every ${LAG_PERIOD_MS} ms, so it falls behind its primary.\n${UNDO}`,
    )
  }

  async #flush(): Promise<FaultAnswer> {
    const primaries = (await readRoles(this.#fleet)).filter((role) => role.isPrimary && !role.isFailed)
    const own = this.#fleet.nodes.filter((node) => primaries.some((role) => role.address === node.address))
    for (const node of own) {
      const client = connect(node.port)
      try {
        await client.call('FLUSHALL')
      } finally {
        client.disconnect()
      }
    }
    return done(
      `Emptied ${own.map((node) => node.address).join(', ')} with FLUSHALL: every read is a miss and asks the origin until the keys are warm again.\nNothing to undo: the shop fills the cache by itself.`,
    )
  }

  #heal(): FaultAnswer {
    const healed: string[] = []
    for (const [node, timer] of this.#lagging) {
      clearInterval(timer)
      this.#lagging.delete(node)
      node.process.signal('SIGCONT')
      healed.push(`${node.address} runs all the time again`)
    }
    for (const node of this.#paused) {
      if (node.process.signal('SIGCONT')) healed.push(`${node.address} goes on`)
    }
    this.#paused.clear()
    for (const node of this.#fleet.nodes) {
      if (node.process.pid !== null) continue
      node.process.start()
      healed.push(`${node.address} is started again`)
    }
    return done(healed.length === 0 ? 'Nothing was broken.' : `${healed.join('\n')}`)
  }
}

/** By default the shard of the viral article: that is where it hurts. */
function choose(roles: NodeRole[], wantsReplica: boolean): NodeRole {
  const usable = roles.filter((role) => !role.isFailed)
  const chosen = wantsReplica
    ? usable.find((role) => !role.isPrimary)
    : (ownerOf(calculateSlot(articleKey(VIRAL_ARTICLE)), usable) ?? usable.find((role) => role.isPrimary))
  if (chosen === undefined) throw new Error(`No ${wantsReplica ? 'replica' : 'primary'} is left. ${UNDO}`)
  return chosen
}

const nodeInWords = (role: NodeRole): string =>
  role.isPrimary
    ? `the primary ${role.address} (slots ${role.slots.join(' ') || 'none'})`
    : `the replica ${role.address}`

const failoverHint = (role: NodeRole): string =>
  role.isPrimary ? ' Its replica takes over within a few seconds.' : ''

const done = (message: string): FaultAnswer => ({ ok: true, message })
const refused = (message: string): FaultAnswer => ({ ok: false, message })
