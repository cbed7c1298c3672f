/** An application that speaks hk/1 through the cache as the library does, and nothing else: what it applies is seen. */
import { Cluster, Redis } from 'ioredis'
import type { Heartbeat, PolicyHeartbeat } from '../../core/protocol/heartbeat.ts'
import {
  APPS_KEY,
  HEARTBEAT_TTL_MS,
  instanceKey,
  instancesKey,
  type PolicyDocument,
  PROTOCOL_VERSION,
  policyKey,
} from '../../core/protocol/policy.ts'
import { until } from './redis.ts'

export type FakeApp = {
  readonly instanceId: string
  /** The newest document that it has seen; null before. */
  readonly document: PolicyDocument | null
  /** Phases of the first policy, in the order in which they were seen. */
  readonly phases: string[]
  /** While true it sees documents but applies none. */
  isStuck: boolean
  /** Polls and beats at once. */
  turn(): Promise<void>
  stop(): Promise<void>
}

export async function startFakeApp(
  ports: number[],
  options: {
    app?: string
    isCluster: boolean
    everyMs?: number
    host?: string
    state?: Heartbeat['state']
    /** Told instead of what is applied. */
    rev?: number
  },
): Promise<FakeApp> {
  const { app = 'shop', isCluster, everyMs = 200, host = 'fake-host', state = 'applying' } = options
  const client = isCluster
    ? new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })))
    : new Redis({ host: '127.0.0.1', port: ports[0] ?? 0 })
  client.on('error', () => {})
  const instanceId = `fake-${Math.random().toString(36).slice(2)}`
  const startedAt = Date.now()
  let document: PolicyDocument | null = null
  let rev = options.rev ?? 0
  let reads = 0
  const phases: string[] = []
  const self: FakeApp = {
    instanceId,
    get document() {
      return document
    },
    phases,
    isStuck: false,
    turn,
    async stop() {
      clearInterval(timer)
      await running
      client.disconnect()
    },
  }
  async function turn(): Promise<void> {
    const text = await client.get(policyKey(app))
    if (text !== null) {
      const found = JSON.parse(text) as PolicyDocument
      if (found.rev >= (document?.rev ?? 0) && !self.isStuck) {
        document = found
        rev = options.rev ?? found.rev
        const phase = found.policies[0]?.phase ?? 'none'
        if (phases.at(-1) !== phase) phases.push(phase)
      }
    }
    reads += 100
    const at = Date.now()
    const policies = (document?.policies ?? []).map(
      (policy): PolicyHeartbeat => ({
        id: policy.id,
        phase: policy.phase,
        tracker: 'off',
        reads,
        localHits: 0,
        localMisses: 0,
        variantReads: policy.variants?.keysBase64.map(() => reads / 3) ?? [],
        replicaReads: 0,
        fallbacks: 0,
        invalidations: 0,
        errors: 0,
        p50Us: 100,
        p99Us: 900,
      }),
    )
    const heartbeat: Heartbeat = {
      v: PROTOCOL_VERSION,
      app,
      instanceId,
      host,
      pid: process.pid,
      library: 'fake 1.0',
      startedAt,
      at,
      rev,
      state,
      policies,
      errors: 0,
      connections: [],
      hotKeys: { windowMs: 0, commands: 0, sampled: 0, keys: [] },
    }
    await client.set(instanceKey(app, instanceId), JSON.stringify(heartbeat), 'PX', HEARTBEAT_TTL_MS)
    await client.zadd(instancesKey(app), at, instanceId)
    await client.zadd(APPS_KEY, at, app)
  }
  await until('it has told of itself', async () => {
    await turn()
    return true
  })
  let running: Promise<void> | null = null
  const timer = setInterval(() => {
    // What a busy machine is late with is not made up for: it would be load of its own.
    running ??= turn()
      .catch(() => {})
      .finally(() => {
        running = null
      })
  }, everyMs)
  return self
}
