/** Every operation of the HTTP API: its address, what it takes and what it answers. */
import { z } from 'zod'
import { Cache, CacheHotKey, Event, HotKey, HotPattern, Node, NodeSampleView, Shard } from '../model.ts'
import { MITIGATION_OPERATIONS } from './mitigation-operations.ts'
import {
  cacheId,
  db,
  heat,
  hotKeyOrder,
  merge,
  missing,
  nodeId,
  type Parsed,
  paging,
  pattern,
  shardId,
  timeRange,
} from './parameters.ts'
import { none, pageOf } from './shapes.ts'

const filters = { cacheId: cacheId.optional(), nodeId: nodeId.optional() }

export const OPERATIONS = {
  listCaches: {
    method: 'get',
    path: '/api/v1/caches',
    summary: 'Every cache with its health, load, hit rate, memory, worst lag and hottest key',
    pathParams: none,
    query: none,
    answer: pageOf(Cache),
  },
  getCache: {
    method: 'get',
    path: '/api/v1/caches/{cacheId}',
    summary: 'One cache',
    pathParams: z.object({ cacheId }),
    query: none,
    answer: Cache,
  },
  listShards: {
    method: 'get',
    path: '/api/v1/caches/{cacheId}/shards',
    summary: 'The shards of a cache with their load, slots and nodes',
    pathParams: z.object({ cacheId }),
    query: none,
    answer: pageOf(Shard),
  },
  listNodes: {
    method: 'get',
    path: '/api/v1/nodes',
    summary: 'Nodes with what they answered last',
    pathParams: none,
    query: z.object({ cacheId: cacheId.optional(), shardId: shardId.optional() }),
    answer: pageOf(Node),
  },
  getNode: {
    method: 'get',
    path: '/api/v1/nodes/{nodeId}',
    summary: 'One node',
    pathParams: z.object({ nodeId }),
    query: none,
    answer: Node,
  },
  listSamples: {
    method: 'get',
    path: '/api/v1/samples',
    summary: 'The readings of nodes over a time range, in the resolution that its length and age allow',
    pathParams: none,
    query: z.object({ ...filters, shardId: shardId.optional(), ...timeRange, ...paging }),
    answer: pageOf(NodeSampleView),
  },
  listHotKeys: {
    method: 'get',
    path: '/api/v1/hot-keys',
    summary: 'The keys that are hot now, by their rate or bytes, each with its 95% interval',
    pathParams: none,
    query: z.object({
      ...filters,
      shardId: shardId.optional(),
      db: db.optional(),
      pattern: pattern.optional(),
      by: hotKeyOrder.optional(),
      missing: missing.optional(),
      heat: heat.optional(),
      merge: merge.optional(),
      ...paging,
    }),
    answer: pageOf(z.union([CacheHotKey, HotKey])),
  },
  listHotPatterns: {
    method: 'get',
    path: '/api/v1/hot-patterns',
    summary:
      'The shapes of the keys that are asked for now, over the nodes of each cache; null is all other keys',
    pathParams: none,
    query: z.object({ ...filters, shardId: shardId.optional(), ...paging }),
    answer: pageOf(HotPattern),
  },
  listEvents: {
    method: 'get',
    path: '/api/v1/events',
    summary:
      'Failovers, restarts, nodes lost and back, slots moved; the newest first. Without a time, all that is kept',
    pathParams: none,
    query: z.object({ ...filters, ...timeRange, ...paging }),
    answer: pageOf(Event),
  },
  ...MITIGATION_OPERATIONS,
} as const

export type OperationName = keyof typeof OPERATIONS
/** What each has; the last ones only where it takes or answers them. */
export type Operation = {
  method: 'get' | 'post' | 'patch' | 'delete'
  path: string
  summary: string
  pathParams: z.ZodObject
  query: z.ZodObject
  answer: z.ZodType
  headers?: z.ZodObject
  body?: z.ZodType
  parseBody?: (body: unknown) => Parsed<unknown>
  /** Answers of success beside 200 with `answer`; null: without a body. */
  otherAnswers?: Record<number, { description: string; schema: z.ZodType | null }>
  /** It may be refused by what is observed, or by another mitigation. */
  refusable?: boolean
}
