import type { HotKeySample } from '../../../core/sample.ts'
import type { Store } from '../../../store/client.ts'
import { saveTick } from '../../../store/tick.ts'

export const HOSTILE_KEYS = {
  spaces: Buffer.from('a key with  spaces '),
  nul: Buffer.from('before\0after'),
  invalid: Buffer.from([0x66, 0xff, 0xc3, 0x28, 0x80]),
  markup: Buffer.from(`<img src=x onerror="alert(1)">'; DROP TABLE key; --`),
  unicode: Buffer.from('статья:42:記事:🔥'),
  long: Buffer.from(`long:${'0123456789'.repeat(1_023)}`),
  empty: Buffer.alloc(0),
}

export async function saveHostileKeys(store: Store, cacheId: string, address: string): Promise<void> {
  const at = Date.now()
  const hotKeys = Object.values(HOSTILE_KEYS).map(
    (key): HotKeySample => ({
      cacheId,
      address,
      at,
      windowFrom: at - 10_000,
      sampledCommands: 20_000,
      db: 0,
      key,
      share: 0.02,
      shareLow: 0.018,
      shareHigh: 0.022,
      opsPerSec: 200,
      opsPerSecLow: 180,
      opsPerSecHigh: 220,
      readsPerSec: 200,
      writesPerSec: 0,
      topCommand: 'GET',
      source: 'monitor',
    }),
  )
  const none = { statuses: [], samples: [], commands: [], keyspaces: [], slowlog: [], events: [], infos: [] }
  await saveTick(
    store,
    { at, hotKeys, ...none },
    {
      collectorId: 'hostile',
      host: 'localhost',
      pid: 1,
      version: '0.0.0',
      startedAt: at,
      at,
      nodes: 0,
      bufferedTicks: 0,
      droppedTicks: 0,
    },
  )
}
