import type { Store } from '../../../store/client.ts'
import { saveTick } from '../../../store/tick.ts'
import { collector, emptyTick, hotKey } from '../../support/tick.ts'

export const HOSTILE_KEYS = {
  spaces: Buffer.from('a key with  spaces '),
  nul: Buffer.from('before\0after'),
  invalid: Buffer.from([0x66, 0xff, 0xc3, 0x28, 0x80]),
  markup: Buffer.from(`<img src=x onerror="alert(1)">'; DROP TABLE key; --`),
  unicode: Buffer.from('статья:42:記事:🔥'),
  long: Buffer.from(`long:${'0123456789'.repeat(1_023)}`),
  empty: Buffer.alloc(0),
  quoted: Buffer.from('a "quoted" \\x41 \\" name'),
  address: Buffer.from('../?#%2F%00&=+;'),
  bytes: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
}

/** Every second one does not exist, the others are big: each is in one of the two lists. */
export async function saveHostileKeys(store: Store, cacheId: string, address: string): Promise<void> {
  const at = Date.now()
  const hotKeys = Object.values(HOSTILE_KEYS).map((key, index) =>
    hotKey(at, key, 0.02, {
      cacheId,
      address,
      rank: index + 1,
      isMissing: index % 2 === 1,
      sizeBytes: index % 2 === 1 ? null : 90_000,
      probedAt: at,
    }),
  )
  await saveTick(store, emptyTick(at, { hotKeys }), collector(at, 'hostile'))
}
