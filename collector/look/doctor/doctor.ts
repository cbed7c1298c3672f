/** Examines all nodes behind URLs, and judges them. */
import { NodeFailure } from '../../connection/failure.ts'
import { type Credentials, NodeConnection, type NodePlace } from '../../connection/node-connection.ts'
import { discoverStandalone, placeOf, readCluster } from '../../discovery.ts'
import { infoSource } from '../../sources/info.ts'
import type { Resolved, ResolvedCache } from '../resolve.ts'
import { aclOf } from './acl.ts'
import { judge } from './checks.ts'
import { type Exam, examine } from './exam.ts'
import { examineMemcached } from './memcached.ts'
import { predict } from './prediction.ts'
import type { DoctorLimits, DoctorNode, DoctorReport } from './report.ts'

export async function runDoctor(resolved: Resolved, limits: DoctorLimits): Promise<DoctorReport> {
  const sent = new Map<string, number>()
  const count = (names: ReadonlyMap<string, number>) => {
    for (const [name, times] of names) sent.set(name, (sent.get(name) ?? 0) + times)
  }
  count(resolved.cost.byCommand)
  const exams: { cache: ResolvedCache; exam: Exam }[] = []
  for (const cache of resolved.caches) {
    const places = await findNodes(cache, count)
    const found = await Promise.all(places.map((place) => examine(place, cache.credentials)))
    for (const exam of found) {
      count(exam.sent)
      exams.push({ cache, exam })
    }
  }
  const memcacheds = await Promise.all(resolved.memcacheds.map((place) => examineMemcached(place, count)))
  return {
    nodes: [...exams.map(({ cache, exam }) => nodeOf(cache, exam, limits)), ...memcacheds],
    acl: aclOf(exams.map(({ cache, exam }) => ({ cacheId: cache.cacheId, exam }))),
    sent: Object.fromEntries([...sent].sort(([one], [other]) => one.localeCompare(other))),
  }
}

function nodeOf({ cacheId }: ResolvedCache, exam: Exam, limits: DoctorLimits): DoctorNode {
  const { facts, info, usesTls, address, pingMs } = exam
  const prediction = facts === null ? null : predict(facts, { ...limits, usesTls })
  return {
    ...{ cacheId, address, pingMs, prediction },
    engine: info?.engine ?? null,
    version: info?.version ?? null,
    role: info?.role ?? null,
    opsPerSec: facts?.opsPerSec ?? null,
    checks: judge(exam, prediction, limits.budget),
  }
}

/** @throws NodeFailure when the seeds do not answer any more */
async function findNodes(
  { kind, seeds, credentials }: ResolvedCache,
  count: (names: ReadonlyMap<string, number>) => void,
): Promise<NodePlace[]> {
  for (const seed of seeds) {
    const node = new NodeConnection(seed, credentials)
    try {
      await node.open()
      return await nodesSeenBy(node, kind, seeds, credentials)
    } catch (error) {
      if (!(error instanceof NodeFailure)) throw error
    } finally {
      count(node.sent)
      node.close()
    }
  }
  return seeds
}

async function nodesSeenBy(
  node: NodeConnection,
  kind: ResolvedCache['kind'],
  seeds: readonly NodePlace[],
  { tls }: Credentials,
): Promise<NodePlace[]> {
  const { address } = node.place
  if (kind === 'cluster') {
    const { shards } = await readCluster(node, tls !== null)
    return shards.flatMap((shard) => shard.nodes.map((one) => placeOf(one.address)))
  }
  const info = infoSource.parse(await infoSource.read(node))
  const shard = discoverStandalone(
    [{ address, info }],
    seeds.map((seed) => seed.address),
    null,
    new Set(),
  )
  return shard.nodes.map((one) => placeOf(one.address))
}
