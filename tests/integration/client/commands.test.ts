/** The library's tables of commands against a server's own. */
import { expect, test } from 'vitest'
import { READS, ROUTED_READS } from '../../../client/ioredis/commands.ts'
import { startRedis } from '../../support/redis.ts'

test('what is taken for a read writes nothing, and what is routed has one key, its first argument', async () => {
  const server = await startRedis()
  try {
    const commands = await server.command('command')
    if (!Array.isArray(commands)) throw new Error('COMMAND gives a list')
    const seen = new Set<string>()
    for (const [name, , flags, first, last] of commands) {
      if (!READS.has(name)) continue
      seen.add(name)
      expect(flags, name).not.toContain('write')
      if (ROUTED_READS.has(name)) expect([name, first, last]).toEqual([name, 1, 1])
      if (ROUTED_READS.has(name)) expect(flags, name).toContain('readonly')
    }
    expect([...ROUTED_READS].filter((name) => !seen.has(name))).toEqual([])
  } finally {
    await server.stop()
  }
})
