/** Who changes the servers: the user that is configured for it, else the one that watches; Sentinels have their own. */
import type { ConnectionOptions } from 'node:tls'
import type { CacheConfig } from '../../core/config.ts'
import type { NodeAddress } from '../../core/sample.ts'
import type { Credentials } from '../connection/node-connection.ts'

export function actionCredentials(
  cache: CacheConfig,
  tls: ConnectionOptions | null,
): (address: NodeAddress) => Credentials {
  const { username, password } = cache.mitigations.password === null ? cache : cache.mitigations
  const sentinels = new Set(cache.sentinel === null ? [] : cache.seeds.map((seed) => seed.address))
  return (address) =>
    cache.sentinel !== null && sentinels.has(address)
      ? { username: cache.sentinel.username, password: cache.sentinel.password, tls }
      : { username, password, tls }
}
