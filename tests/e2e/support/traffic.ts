/** A cluster's readers: many articles, a few of them popular, and one that can go viral. */
import { Cluster } from 'ioredis'
import type { RedisCluster } from '../../support/redis.ts'

const ARTICLES = 2_000
const BATCH_MS = 20
const BASE_PER_BATCH = 40
const VIRAL_PER_BATCH = 120

export type Traffic = { goViral(key: string): void; stop(): Promise<void> }

export function startTraffic(cluster: RedisCluster): Traffic {
  const client = new Cluster(
    cluster.nodes.map(({ host, port }) => ({ host, port })),
    { redisOptions: { protocol: 2 }, clusterRetryStrategy: () => 200 },
  )
  // A dead primary fails some reads; that is what the test is about.
  client.on('error', () => {})
  let viral: string | null = null
  let stopped = false
  const read = (key: string) => client.get(key).catch(() => null)
  const running = (async () => {
    for (let batch = 0; !stopped; batch++) {
      const keys = Array.from({ length: BASE_PER_BATCH }, (_, index) => {
        const rank = Math.floor(ARTICLES ** (((batch * BASE_PER_BATCH + index) * 0.618) % 1))
        return `article:${1_000 + rank}`
      })
      if (viral !== null) keys.push(...Array<string>(VIRAL_PER_BATCH).fill(viral))
      await Promise.race([Promise.all(keys.map(read)), new Promise((resolve) => setTimeout(resolve, 1_000))])
      await new Promise((resolve) => setTimeout(resolve, BATCH_MS))
    }
  })()
  return {
    goViral(key) {
      viral = key
    },
    async stop() {
      stopped = true
      await running
      client.disconnect()
    },
  }
}
