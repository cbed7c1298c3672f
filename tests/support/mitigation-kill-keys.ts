/** What is killed of the actions on a key: applications take part, and copies may be left of it. */
import type { Cluster, Redis } from 'ioredis'
import { Redis as Client } from 'ioredis'
import { expect } from 'vitest'
import { readKeyState } from '../../core/mitigations/key-state.ts'
import type { MitigationAction } from '../../core/mitigations/model.ts'
import { startFakeApp } from './fake-app.ts'
import { type KillCase, type KillSite, killCase } from './mitigation-kill-case.ts'
import { startOne, startPair } from './mitigation-kill-servers.ts'
import { clusterClient, requestOf } from './mitigation-world.ts'
import { startRedisCluster } from './redis.ts'

type WithApp = KillSite & { client: Cluster | Redis }

async function withApp(site: KillSite): Promise<WithApp> {
  const ports = site.nodes.map(({ port }) => port)
  const isCluster = site.kind === 'cluster'
  const app = await startFakeApp(ports, { isCluster })
  const client = isCluster ? clusterClient(ports) : new Client({ host: '127.0.0.1', port: ports[0] ?? 0 })
  client.on('error', () => {})
  const stop = async () => {
    await app.stop()
    client.disconnect()
    await site.stop()
  }
  return { ...site, client, stop }
}

async function openCluster(): Promise<WithApp> {
  const cluster = await startRedisCluster({ primaries: 3, replicasPerPrimary: 0 })
  return await withApp({ kind: 'cluster', urls: cluster.urls, nodes: cluster.nodes, stop: cluster.stop })
}

function ofKey(
  name: string,
  action: MitigationAction,
  parameters: Record<string, unknown>,
  more: Pick<KillCase<WithApp>, 'open'> & Partial<KillCase<WithApp>>,
): KillCase<WithApp> {
  return {
    name,
    isCrowd: true,
    async request({ client }, label) {
      await client.set(label, 'value')
      return requestOf(action, label, { parameters })
    },
    holdMs: 1_000,
    outcome: 'drained',
    async checkEnd({ client }, label, { steps }) {
      expect(steps.some(({ name: step, result }) => step === 'plan' && result === 'ok')).toBe(true)
      expect(await client.get(label)).toBe('value')
    },
    ...more,
  }
}

const copiesOf = (state: unknown): string[] =>
  (readKeyState(state)?.copies ?? []).map((copy) => Buffer.from(copy, 'base64').toString())

/** Copies on the other two shards. */
function byCopies(name: string, action: MitigationAction, parameters: Record<string, unknown>) {
  return ofKey(name, action, parameters, {
    open: openCluster,
    // Probes of copies come once a second.
    holdMs: 3_000,
    surely: [/RESTORE at/, /UNLINK at/],
    async checkHalfway({ client }, _, { steps }, state) {
      const there = await Promise.all(copiesOf(state).map((copy) => client.exists(copy)))
      if (!there.includes(1)) return
      expect(steps.map((step) => step.name.split(' ')[0])).toEqual(expect.arrayContaining(['plan', 'mirror']))
    },
    async checkEnd({ client }, label, { steps }, state) {
      const names = steps.map((step) => step.name.split(' ')[0])
      expect(names).toEqual(expect.arrayContaining(['plan', 'mirror', 'unlink']))
      expect(copiesOf(state)).toHaveLength(2)
      for (const copy of copiesOf(state)) expect(await client.exists(copy)).toBe(0)
      expect(await client.get(label)).toBe('value')
    },
  })
}

export const KEY_CASES: KillCase[] = [
  byCopies('split', 'split', {}),
  byCopies('replicate by copies', 'replicate', { by: 'copies', copies: 3 }),
  ofKey(
    'replicate by replicas',
    'replicate',
    { by: 'replicas' },
    { open: async () => withApp(await startPair()) },
  ),
  ofKey('local-cache', 'local-cache', {}, { hasShared: true, open: async () => withApp(await startOne()) }),
].map(killCase)
