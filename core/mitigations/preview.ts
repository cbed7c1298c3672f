/** What a mitigation will do, before anybody asks for it. Pure: `now` is passed in. */
import { isKeyAction, listRefusals } from './eligibility.ts'
import { countInstances, type MitigationFacts } from './facts.ts'
import { listKeyCommands } from './key-commands.ts'
import { type KeyPlan, planKeyAction } from './key-plan.ts'
import { listKeyWarnings } from './key-warnings.ts'
import type { MitigationDraft, Preview } from './model.ts'
import { hottestOverMean, loadsOf, predict, primaryOf } from './predict.ts'
import { previewServerAction } from './server-preview.ts'
import { promiseOf } from './staleness.ts'
import { list, plural, seconds } from './words.ts'

/** Never throws: what cannot be said is null, and its refusals say why it cannot be done. */
export function previewMitigation(facts: MitigationFacts, draft: MitigationDraft, now: number): Preview {
  const refusals = listRefusals(facts, draft, now)
  if (!isKeyAction(draft.action)) {
    const preview = previewServerAction(facts, draft)
    const known = new Set(refusals.map(({ id }) => id))
    return { ...preview, refusals: [...refusals, ...preview.refusals.filter(({ id }) => !known.has(id))] }
  }
  const plan = planKeyAction(facts, draft)
  const prediction = plan === null ? null : predict(facts, plan, now)
  const before = loadsOf(facts)
  const after = prediction?.after ?? null
  return {
    action: draft.action,
    summary: summarize(facts, draft, plan),
    commands: plan === null ? [] : listKeyCommands(facts, plan),
    refusals,
    warnings: plan === null ? [] : listKeyWarnings(facts, plan, now),
    wayBack: wayBackOf(plan),
    staleness: plan === null ? null : stalenessOf(plan),
    before,
    after,
    hottestOverMeanBefore: hottestOverMean(before),
    hottestOverMeanAfter: after === null ? null : hottestOverMean(after),
    keyOpsPerSecAfter: prediction?.keyOpsPerSec ?? null,
    renewalsPerSec: prediction?.renewalsPerSec ?? null,
    nodes: prediction?.nodes ?? null,
    variants: plan?.how === 'copies' ? plan.variants : null,
    apps: facts.apps.map(({ app, instances, hosts, library, disabled }) => ({
      app,
      instances,
      hosts,
      library,
      disabled,
    })),
    connectionsWithoutLibrary: facts.connectionsWithoutLibrary,
    keyFiguresAt: facts.key?.at == null ? null : new Date(facts.key.at).toISOString(),
  }
}

function summarize(facts: MitigationFacts, draft: MitigationDraft, plan: KeyPlan | null): string {
  const label = facts.key?.label ?? 'the key'
  if (plan === null) return `${label} cannot be mitigated this way.`
  const instances = countInstances(facts)
  const who =
    instances === 0
      ? 'Processes with the library'
      : `${plural(instances, 'process', 'processes')} of ${apps(facts)}`
  switch (plan.how) {
    case 'local': {
      const { ttlSeconds, track, staleSeconds } = plan.parameters
      const until = track ? ', or until it changes' : ''
      const stale = staleSeconds > 0 ? `, and ${seconds(staleSeconds)} longer while one read renews it` : ''
      return `${who} will hold ${label} and answer its reads themselves for ${seconds(ttlSeconds)}${until}${stale}.`
    }
    case 'replicas':
      return `Reads of ${label} will go to any of the ${plan.nodes.length} nodes of its shard: ${list(plan.nodes.map((node) => node.address))}.`
    case 'copies': {
      const shards = new Set(plan.variants.map((variant) => variant.shardId)).size
      const names = `${plan.variants.length} names on ${plural(shards, 'shard')}`
      const written =
        draft.action === 'split' && plan.writeFanout
          ? ', and writers will drop the copies after each write'
          : ''
      return `Reads of ${label} will be spread over ${names}; writes stay at ${primaryOf(facts, facts.key?.ownerShardId ?? null) ?? 'its primary'}, from where Cachescope copies them${written}.`
    }
  }
}

const apps = (facts: MitigationFacts): string => list(facts.apps.map(({ app }) => app))

function wayBackOf(plan: KeyPlan | null): string {
  switch (plan?.how) {
    case 'local':
      return 'Drain it: every process drops what it holds and reads the key at the servers again. Without the control plane that happens by itself within 30 s.'
    case 'replicas':
      return 'Drain it: reads go to the primary again. Without the control plane that happens by itself within 30 s.'
    case 'copies':
      return 'Drain it: reads go to the key itself again, then the copies are unlinked. Without the control plane the copies are gone within 5 s, and reads find the key itself.'
    case undefined:
      return 'Nothing is done, so there is nothing to undo.'
  }
}

function stalenessOf(plan: KeyPlan): string {
  switch (plan.how) {
    case 'local': {
      const { ttlSeconds, staleSeconds, track } = plan.parameters
      const { worstMs, usualMs, readYourWrites } = promiseOf({
        action: 'local-cache',
        ttlMs: ttlSeconds * 1_000,
        staleMs: staleSeconds * 1_000,
        track,
      })
      return stalenessWords(usualMs, worstMs, readYourWrites)
    }
    case 'replicas': {
      const { worstMs, usualMs, readYourWrites } = promiseOf({ action: 'replicate', by: 'replicas' })
      return stalenessWords(usualMs, worstMs, readYourWrites)
    }
    case 'copies': {
      const { worstMs, usualMs, readYourWrites } = promiseOf(
        plan.action === 'split'
          ? { action: 'split', writeFanout: plan.writeFanout }
          : { action: 'replicate', by: 'copies' },
      )
      return stalenessWords(usualMs, worstMs, readYourWrites)
    }
  }
}

function stalenessWords(usualMs: number, worstMs: number, readYourWrites: boolean): string {
  const span =
    usualMs === worstMs
      ? `A reader may see a value up to ${seconds(worstMs / 1_000)} after it was replaced.`
      : `A reader may see a value up to ${seconds(usualMs / 1_000)} after it was replaced; where something fails meanwhile, up to ${seconds(worstMs / 1_000)}.`
  const own = readYourWrites
    ? 'A process that has written reads its own write.'
    : 'A process that has written may read the value before its own write.'
  return `${span} ${own}`
}
