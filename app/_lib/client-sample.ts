/** How an application wraps its client for a cache of each kind. Pure. */
import type { CacheKind } from '../../core/model.ts'

/** null: ioredis does not speak to it. */
const CLIENTS: Record<CacheKind, { name: string; made: string } | null> = {
  standalone: { name: 'Redis', made: 'new Redis(url)' },
  sentinel: { name: 'Redis', made: 'new Redis({ sentinels, name })' },
  cluster: { name: 'Cluster', made: 'new Cluster(seeds)' },
  memcached: null,
  dax: null,
}

export function clientSample(kind: CacheKind | null, app: string): string | null {
  const client = CLIENTS[kind ?? 'standalone']
  if (client === null) return null
  return `import { cachescope } from '@cachescope/client'
import { ${client.name} } from 'ioredis'

const cache = cachescope(${client.made}, { app: '${app}' })`
}
