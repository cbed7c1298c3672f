/** The effect of an action on a client, a user or writers, by what the servers tell of them before and after. */
import type { Measures } from './measures.ts'
import { type Case, type Decision, totalOps, unknown } from './proof-case.ts'
import {
  BACK_SHARE,
  BIG_OUTPUT_BYTES,
  PAUSED_SHARE,
  TOLD_SHARE_OF_LOAD,
  WORKED_SHARE,
} from './proof-limits.ts'
import { bytes, perSecond, plural, seconds } from './words.ts'

type Judge = (of: Case, window: Measures) => Decision

/** @param otherwise where it came back, and the server tells neither its commands nor a large buffer of it */
export function judgeKilledClient(of: Case, window: Measures, otherwise: Judge): Decision {
  const before = of.before?.observed?.client
  const after = window.observed?.client
  if (before === undefined || after === undefined) {
    return unknown('The server did not tell who was connected.')
  }
  if (after.isConnected) return { verdict: 'no-effect', because: 'The client is still connected.' }
  const load = loadWords(of, window)
  if (after.newer === 0) {
    const had = [
      ...(before.opsPerSec === null ? [] : [`${perSecond(before.opsPerSec)} commands`]),
      ...(before.outputBytes === null ? [] : [`${bytes(before.outputBytes)} of output buffer`]),
    ]
    const which = had.length === 0 ? '' : `, which had ${had.join(' and ')},`
    return {
      verdict: 'worked',
      because: `The client${which} is gone, and none with its address, name, user and library has come since.${load}`,
    }
  }
  const back = `It came back: ${plural(after.newer, 'connection')} with its address, name, user and library opened since.`
  if ((before.outputBytes ?? 0) >= BIG_OUTPUT_BYTES && after.outputBytes !== null) {
    return byFall(before.outputBytes ?? 0, after.outputBytes, bytes, `${back} Output buffer`, load)
  }
  if (before.opsPerSec !== null && after.opsPerSec !== null && before.opsPerSec > 0) {
    return byFall(before.opsPerSec, after.opsPerSec, perSecond, `${back} Commands`, load)
  }
  const decision = otherwise(of, window)
  return { ...decision, because: `${back} ${decision.because}` }
}

function byFall(
  before: number,
  after: number,
  show: (value: number) => string,
  what: string,
  load: string,
): Decision {
  return {
    verdict: after <= before * (1 - WORKED_SHARE) ? 'worked' : 'no-effect',
    because: `${what}: ${show(after)} instead of ${show(before)}.${load}`,
  }
}

export function judgeDeniedUser(of: Case, window: Measures): Decision {
  const before = of.before?.observed?.user
  const after = window.observed?.user
  if (before === undefined || after === undefined) {
    return unknown('Not every node told who was connected as the user.')
  }
  const had = `${plural(before.connections, 'connection')} before`
  if (after.connections > 0) {
    return {
      verdict: 'no-effect',
      because: `The user still has ${plural(after.connections, 'connection')} (${had}).`,
    }
  }
  const refused = refusedSince(before.refusals, after.refusals)
  const tried =
    refused === null
      ? 'How many sign-ins were refused is not known'
      : `${plural(refused, 'sign-in')} ${refused === 1 ? 'was' : 'were'} refused since`
  if (before.connections === 0 && refused === null) return unknown(`The user had no connection. ${tried}.`)
  if (before.connections === 0 && refused === 0) {
    return {
      verdict: 'no-effect',
      because: `There was nothing of the user: no connection before, and ${tried}.`,
    }
  }
  const because = `The user has no connection (${had}). ${tried}.${loadWords(of, window)}`
  const missing = missingFall(of, window, before.opsPerSec)
  return missing === null ? { verdict: 'worked', because } : unknown(`${because} ${missing}`)
}

/** @returns null where it is not told: nodes keep the newest refusals only, and none through a restart */
function refusedSince(before: number | null, after: number | null): number | null {
  return before === null || after === null || after < before ? null : after - before
}

/** What the user asked for must be missing in the load, where it was enough of it to be told. */
function missingFall(of: Case, window: Measures, userOps: number | null): string | null {
  const then = of.before === null ? null : totalOps(of.before)
  const now = totalOps(window)
  if (then === null || now === null || userOps === null || userOps < then * TOLD_SHARE_OF_LOAD) return null
  if (then - now >= userOps * WORKED_SHARE) return null
  return `Its connections had made ${perSecond(userOps)} of that: others ask for more by now, or it signs in under another name, which cannot be told apart.`
}

export function judgePausedWrites(of: Case, window: Measures): Decision {
  const before = of.before?.observed?.writes
  const after = window.observed?.writes
  const held = after?.held ?? null
  const then = before?.changesPerSec ?? null
  if (before === undefined || after === undefined || held === null || then === null) {
    return unknown('How much was written before and during the pause was not counted.')
  }
  const during = `${perSecond(held.changesPerSec)} changes of keys for ${seconds(held.seconds)} instead of ${perSecond(then)}, with up to ${plural(held.blockedClients, 'client')} waiting`
  if (then === 0 && held.blockedClients <= (before.blockedClients ?? 0)) {
    return { verdict: 'no-effect', because: `There was nothing to hold back: ${during}.` }
  }
  if (held.changesPerSec > then * PAUSED_SHARE) {
    return { verdict: 'no-effect', because: `Writes were not held back: ${during}.` }
  }
  const now = after.changesPerSec
  if (now === null) return { verdict: 'worked', because: `Writes were held back: ${during}.` }
  const since = `Since then it is ${perSecond(now)}`
  if (now >= then * BACK_SHARE) {
    return { verdict: 'worked', because: `Writes were held back: ${during}. ${since}.` }
  }
  // Not by the clients that wait: those of BLPOP and WAIT are counted with them.
  return after.isPaused
    ? {
        verdict: 'harmful',
        because: `Writes were held back and have not come back: ${during}. ${since}, and the server says that they are still paused.`,
      }
    : unknown(
        `Writes were held back: ${during}. ${since}: its writers have given up, or have ended by themselves, which cannot be told apart.`,
      )
}

function loadWords(of: Case, window: Measures): string {
  const then = of.before === null ? null : totalOps(of.before)
  const now = totalOps(window)
  return then === null || now === null
    ? ''
    : ` All shards answer ${perSecond(now)} commands instead of ${perSecond(then)}.`
}
