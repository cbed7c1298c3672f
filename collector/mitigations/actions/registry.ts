/** Which action carries out which mitigation. */
import type { MitigationAction } from '../../../core/mitigations/model.ts'
import type { Action } from '../action.ts'
import { denyUser } from './deny-user.ts'
import type { ActionEnvironment } from './environment.ts'
import { failover } from './failover.ts'
import { KeyAction } from './key-action.ts'
import { killClient } from './kill-client.ts'
import { moveSlot } from './move-slot.ts'
import { pauseWrites } from './pause-writes.ts'
import { setConfig } from './set-config.ts'
import { spreadTtls } from './spread-ttls.ts'

export type Actions = {
  /** One for the three of them: their copies are one kind of thing. */
  readonly key: KeyAction
  readonly of: Readonly<Record<MitigationAction, Action>>
}

/** Of one cache. */
export function createActions(environment: ActionEnvironment): Actions {
  const key = new KeyAction(environment)
  return {
    key,
    of: {
      'local-cache': key,
      replicate: key,
      split: key,
      failover: failover(),
      'move-slot': moveSlot(),
      'spread-ttls': spreadTtls(),
      'set-config': setConfig(),
      'kill-client': killClient(),
      'deny-user': denyUser(),
      'pause-writes': pauseWrites(),
    },
  }
}
