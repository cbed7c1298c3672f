/** A mirror that was on its way with the old value may write a copy after the writer has unlinked it. */
import { Redis } from 'ioredis'
import { afterEach, expect, it } from 'vitest'
import { cachescope, release } from '../../../client/index.ts'
import { OWN_READS_MS } from '../../../core/mitigations/staleness.ts'
import { apply, keyPolicy, policyDocument, variantsPolicy } from '../../support/hot-client.ts'
import { startRedis, until } from '../../support/redis.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

it.each([true, false])(
  'reads its own write though a copy has the old value (fan-out: %s)',
  async (fanout) => {
    const server = await startRedis()
    ends.push(server.stop)
    const bare = new Redis(server.port, server.host)
    let skippedMs = 0
    const client = cachescope(bare, { app: 'shop', now: () => performance.now() + skippedMs })
    ends.push(() => {
      release(client)
      bare.disconnect()
    })
    const copies = ['{hk0.1}:hot', '{hk1.2}:hot']
    const policy = keyPolicy('hot', { variants: variantsPolicy(copies, fanout) })
    await apply(server, client, policyDocument([policy]))
    await client.set('hot', 'new')
    for (const copy of copies) await server.command('SET', copy, 'old')
    const values = await Promise.all(Array.from({ length: 50 }, () => client.get('hot')))
    expect([...new Set(values)]).toEqual(['new'])

    skippedMs = OWN_READS_MS
    await until('copies are read again', async () => (await client.get('hot')) === 'old')
  },
)

it('leaves no rejection behind when a write is answered after it has timed out', async () => {
  const unhandled: unknown[] = []
  const note = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', note)
  ends.push(() => process.off('unhandledRejection', note))
  const server = await startRedis()
  ends.push(server.stop)
  const bare = new Redis(server.port, server.host, { commandTimeout: 1_500 })
  const client = cachescope(bare, { app: 'shop' })
  ends.push(() => {
    release(client)
    bare.disconnect()
  })
  const policy = keyPolicy('hot', { variants: variantsPolicy(['{hk0.1}:hot']) })
  await apply(server, client, policyDocument([policy]))
  await client.set('hot', 'value')
  await server.kill('SIGSTOP')
  await expect(client.set('hot', 'late')).rejects.toThrow('Command timed out')
  await server.kill('SIGCONT')
  await until('the late write was carried out', async () => (await client.get('hot')) === 'late')
  await client.set('hot', 'last')
  expect(unhandled).toEqual([])
})
