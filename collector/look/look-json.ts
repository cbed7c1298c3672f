/** A look as one object: hot keys as the API has them; `nodes` says what their ids stand for. Pure. */
import type { CacheHotKey, HotPattern } from '../../core/model.ts'
import type { LookCost } from './bill.ts'
import type { LookResult } from './look.ts'
import type { LookNode } from './look-rows.ts'
import { type LookView, rowsOf } from './look-table.ts'

export type LookJson = {
  cost: LookCost
  window: { from: string; to: string }
  nodes: LookNode[]
  hotKeys: CacheHotKey[]
  /** Where patterns were asked for. */
  patterns?: HotPattern[]
}

export function lookJson(result: LookResult, view: Pick<LookView, 'list' | 'by' | 'top'>): LookJson {
  return {
    cost: result.cost,
    window: { from: new Date(result.from).toISOString(), to: new Date(result.to).toISOString() },
    nodes: result.nodes,
    hotKeys: rowsOf(result, view),
    ...(view.list === 'patterns' && { patterns: result.patterns.slice(0, view.top) }),
  }
}
