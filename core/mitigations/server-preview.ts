/** What an action on the servers will do, before anybody asks for it: the commands are those that it sends. */

import { findConflict } from './conflicts.ts'
import type { MitigationFacts } from './facts.ts'
import type { MitigationDraft, Preview, Refusal } from './model.ts'
import { PARAMETERS } from './parameters.ts'
import { hottestOverMean, loadsOf } from './predict.ts'
import { planConfig } from './server-plan-config.ts'
import { planFailover } from './server-plan-failover.ts'
import { planMoveSlot } from './server-plan-move-slot.ts'
import { planDenyUser, planKillClient, planPauseWrites, planSpreadTtls } from './server-plan-traffic.ts'
import { CONNECTING, type Plan, unplanned } from './server-plans.ts'

export function previewServerAction(facts: MitigationFacts, draft: MitigationDraft): Preview {
  const plan = planOf(facts, draft)
  const before = loadsOf(facts)
  const hottest = hottestOverMean(before)
  return {
    action: draft.action,
    summary: plan.summary,
    commands: plan.commands.length === 0 ? [] : [...CONNECTING, ...plan.commands],
    refusals: [...refuseConflict(facts, draft), ...plan.refusals],
    warnings: plan.warnings,
    wayBack: plan.wayBack,
    staleness: null,
    before,
    after: plan.keepsLoads ? before : null,
    hottestOverMeanBefore: hottest,
    hottestOverMeanAfter: plan.keepsLoads ? hottest : null,
    keyOpsPerSecAfter: null,
    variants: null,
    apps: [],
    connectionsWithoutLibrary: facts.connectionsWithoutLibrary,
    ...(plan.promotes === undefined ? {} : { promotes: plan.promotes }),
  }
}

/** Not `running`, which the store tells of one target: nothing in the store keeps these apart. */
function refuseConflict(facts: MitigationFacts, draft: MitigationDraft): Refusal[] {
  const shardOf = (target: MitigationDraft['target']): number | null =>
    target.kind === 'shard'
      ? target.shardId
      : target.kind === 'node'
        ? (facts.shards.find(({ nodes }) => nodes.some(({ nodeId }) => nodeId === target.nodeId))?.shardId ??
          null)
        : null
  const conflict = findConflict(draft, facts.running, shardOf)
  return conflict === null ? [] : [{ id: 'running-beside', overridable: false, ...conflict }]
}

function planOf(facts: MitigationFacts, draft: MitigationDraft): Plan {
  const { action, parameters } = draft
  switch (action) {
    case 'failover': {
      const parsed = PARAMETERS[action].safeParse(parameters)
      return parsed.success ? planFailover(facts, draft, parsed.data) : invalid()
    }
    case 'move-slot': {
      const parsed = PARAMETERS[action].safeParse(parameters)
      return parsed.success ? planMoveSlot(facts, parsed.data) : invalid()
    }
    case 'spread-ttls': {
      const parsed = PARAMETERS[action].safeParse(parameters)
      return parsed.success ? planSpreadTtls(facts, parsed.data) : invalid()
    }
    case 'set-config': {
      const parsed = PARAMETERS[action].safeParse(parameters)
      return parsed.success ? planConfig(facts, draft, parsed.data) : invalid()
    }
    case 'kill-client': {
      const parsed = PARAMETERS[action].safeParse(parameters)
      return parsed.success ? planKillClient(facts, draft, parsed.data) : invalid()
    }
    case 'deny-user': {
      const parsed = PARAMETERS[action].safeParse(parameters)
      return parsed.success ? planDenyUser(facts, parsed.data) : invalid()
    }
    case 'pause-writes': {
      const parsed = PARAMETERS[action].safeParse(parameters)
      return parsed.success ? planPauseWrites(facts, draft, parsed.data) : invalid()
    }
    case 'local-cache':
    case 'replicate':
    case 'split':
      return invalid()
  }
}

const INVALID: Refusal = {
  id: 'parameters',
  message: 'Its parameters cannot be used as they are. Correct them, and look again.',
  overridable: false,
}
const invalid = (): Plan => unplanned(INVALID)
