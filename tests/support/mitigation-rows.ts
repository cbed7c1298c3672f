/** A split of a key of the cache `shop` as it is asked for, with a preview that has its names. */

import { slotOf } from '../../core/key-slot.ts'
import type { MitigationRequest, Preview } from '../../core/mitigations/model.ts'

export function mitigationRequest(
  keyBase64: string,
  over: Partial<MitigationRequest> = {},
): MitigationRequest {
  return {
    cacheId: 'shop',
    action: 'split',
    target: { kind: 'key', db: 0, keyBase64 },
    parameters: { variants: null, writeFanout: true },
    expiresInSeconds: 3_600,
    actor: 'ada',
    reason: 'it is viral',
    overrides: [],
    dryRun: false,
    ...over,
  }
}

/** @param names after the key's own */
export function splitPreview(keyBase64: string, names: string[] = []): Preview {
  const variants = [keyBase64, ...names.map((name) => Buffer.from(name).toString('base64'))]
  return {
    action: 'split',
    summary: 'Reads will be spread.',
    commands: [],
    refusals: [],
    warnings: [],
    wayBack: 'Drain it.',
    staleness: null,
    before: [],
    after: null,
    hottestOverMeanBefore: null,
    hottestOverMeanAfter: null,
    keyOpsPerSecAfter: null,
    variants: variants.map((name) => ({
      keyBase64: name,
      key: Buffer.from(name, 'base64').toString(),
      slot: slotOf(new Uint8Array(Buffer.from(name, 'base64'))),
      shardId: 1,
      ordinal: 1,
    })),
    apps: [],
    connectionsWithoutLibrary: null,
  }
}
