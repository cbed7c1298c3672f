/**
 * What keys have in common, level by level. A level with a few values keeps them (`en`, `de`); one with many becomes
 * a variable, for good: so a key's shape only ever changes from the special to the general. What is learned is of
 * bounded size, whatever the keys.
 */
import { ANY, type Level, MAX_LEVELS, withoutDigits } from './pattern-shapes.ts'

/** Where a level has more values than this, they are ids. */
const FEW_VALUES = 12
/** The first level that differs between keys tells families of keys apart, of which there are more. */
const FAMILIES = 64
/** Levels above which a value is a family if it has so many keys of its own, whatever else is beside it. */
const FAMILY_KEYS = 8
const MAX_SEPARATORS = 8
const MAX_NODES = 4_096
/** A value that was not seen in so many rounds leaves when there is no room. */
const STALE_ROUNDS = 200

type Node = {
  branches: Map<string, Branch>
  /** The last round that saw it, how many keys it had there, and the most it had in one. */
  round: number
  keys: number
  breadth: number
}
type Branch = { values: Map<string, Node>; any: Node | null; isVariable: boolean; hidesDigits: boolean }

export class ShapeTree {
  #root = newNode()
  #round = 0
  /** Of what is kept, in nodes. */
  size = 1

  /** @param keys each different one once */
  learn(keys: Iterable<readonly Level[]>): void {
    this.#round++
    for (const levels of keys) this.#add(levels)
    this.size = this.#settle(this.#root, FAMILIES)
    for (let families = FAMILIES / 2; this.size > MAX_NODES && families >= 1; families /= 2) {
      this.size = this.#settle(this.#root, families)
    }
    for (let depth = MAX_LEVELS; this.size > MAX_NODES; depth--) this.size = prune(this.#root, depth)
  }

  /** @param levels of a key that was learned @returns null where it has nothing in common with another */
  shapeOf(levels: readonly Level[]): Level[] | null {
    const shape: Level[] = []
    let node: Node | null = this.#root
    for (const { separator, text } of levels) {
      const branch: Branch | undefined = node?.branches.get(separator)
      const value: string = branch === undefined ? ANY : nameIn(branch, text)
      shape.push({ separator, text: value })
      node = branch === undefined ? null : value === ANY ? branch.any : (branch.values.get(value) ?? null)
    }
    return generalise(shape)
  }

  #add(levels: readonly Level[]): void {
    let node = this.#root
    this.#visit(node)
    let isTop = true
    for (const { separator, text } of levels) {
      let branch = node.branches.get(separator)
      if (branch === undefined) {
        if (node.branches.size >= MAX_SEPARATORS) return
        branch = { values: new Map(), any: null, isVariable: false, hidesDigits: false }
        node.branches.set(separator, branch)
      }
      const name = branch.isVariable && isTop && text !== ANY ? text : nameIn(branch, text, true)
      let next = name === ANY ? branch.any : branch.values.get(name)
      if (!next) {
        next = newNode()
        if (name === ANY) branch.any = next
        else branch.values.set(name, next)
      }
      if (branch.values.size > 1) isTop = false
      node = next
      this.#visit(node)
    }
  }

  #visit(node: Node): void {
    if (node.round !== this.#round) {
      node.round = this.#round
      node.keys = 0
    }
    node.keys++
    node.breadth = Math.max(node.breadth, node.keys)
  }

  /** Makes variables of levels that have too many values. @returns the number of nodes that are left */
  #settle(node: Node, room: number): number {
    let nodes = 1
    for (const branch of node.branches.values()) {
      if (branch.values.size > FEW_VALUES && !branch.hidesDigits) this.#hideDigits(branch)
      if (branch.values.size > room || branch.isVariable) this.#narrow(branch, room)
      const below = Math.max(Math.min(FEW_VALUES, room), Math.floor(room / Math.max(1, branch.values.size)))
      for (const child of branch.values.values()) nodes += this.#settle(child, below)
      if (branch.any !== null) nodes += this.#settle(branch.any, below)
    }
    return nodes
  }

  /** Values that differ by their digits alone are numbers too, where there are many of them. */
  #hideDigits(branch: Branch): void {
    const values = [...branch.values]
    const alike = Map.groupBy(values, ([value]) => withoutDigits(value))
    if (![...alike.values()].some(({ length }) => length > FEW_VALUES)) return
    branch.hidesDigits = true
    for (const [value, node] of values) {
      const name = withoutDigits(value)
      if (name !== value) move(branch, value, node, name)
    }
  }

  #narrow(branch: Branch, room: number): void {
    if (!branch.isVariable) {
      for (const [value, { round }] of branch.values) {
        if (round < this.#round - STALE_ROUNDS) branch.values.delete(value)
      }
      if (branch.values.size <= room) return
    }
    branch.isVariable = true
    const families = room > FEW_VALUES ? this.#familiesOf(branch) : new Set()
    const kept = families.size <= room ? families : new Set()
    for (const [value, node] of branch.values) if (!kept.has(value)) move(branch, value, node, ANY)
  }

  #familiesOf(branch: Branch): Set<string> {
    const names = new Set<string>()
    for (const [value, { breadth, round }] of branch.values) {
      if (breadth >= FAMILY_KEYS && round >= this.#round - STALE_ROUNDS) names.add(value)
    }
    return names
  }
}

/** What lies deeper is forgotten: any key fits there. @returns the number of nodes that are left */
function prune(node: Node, depth: number): number {
  if (depth === 0) node.branches.clear()
  let nodes = 1
  for (const { values, any } of node.branches.values()) {
    for (const child of values.values()) nodes += prune(child, depth - 1)
    if (any !== null) nodes += prune(any, depth - 1)
  }
  return nodes
}

function newNode(): Node {
  return { branches: new Map(), round: 0, keys: 0, breadth: 0 }
}

/** @param isNew a value that the level does not have yet may become one of it */
function nameIn(branch: Branch, text: string, isNew = false): string {
  if (text === ANY || branch.values.has(text)) return text
  const name = branch.hidesDigits ? withoutDigits(text) : text
  if (branch.values.has(name) || (isNew && !branch.isVariable)) return name
  return ANY
}

function move(branch: Branch, value: string, node: Node, name: string): void {
  branch.values.delete(value)
  const into = name === ANY ? branch.any : branch.values.get(name)
  if (into) merge(into, node)
  else if (name === ANY) branch.any = node
  else branch.values.set(name, node)
}

function merge(into: Node, from: Node): void {
  into.round = Math.max(into.round, from.round)
  into.breadth = Math.max(into.breadth, from.breadth)
  for (const [separator, branch] of from.branches) {
    const known = into.branches.get(separator)
    if (known === undefined) {
      if (into.branches.size < MAX_SEPARATORS) into.branches.set(separator, branch)
      continue
    }
    known.isVariable ||= branch.isVariable
    known.hidesDigits ||= branch.hidesDigits
    for (const [value, node] of branch.values) move(known, value, node, nameIn(known, value, true))
    if (branch.any !== null) move(known, ANY, branch.any, ANY)
  }
}

/** A shape without a variable has one key only: its last level becomes one, as its siblings are likely alike. */
function generalise(shape: Level[]): Level[] | null {
  if (!shape.some(({ text }) => text.includes(ANY))) {
    const last = shape.findLast(({ text }) => text !== '')
    if (last === undefined || last === shape[0]) return null
    last.text = ANY
  }
  return shape.every(({ text }) => text === ANY || text === '') && shape.length === 1 ? null : shape
}
