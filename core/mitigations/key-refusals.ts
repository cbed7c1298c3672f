/** What speaks against copies of a key: how it is used, what it holds, and what is not known of it. */
import { isStale, type KeyFacts, type MitigationFacts } from './facts.ts'
import { isOwnName, type KeyUse, lockWord, sensitiveWord, usesOf } from './key-use.ts'
import { ELIGIBILITY } from './limits.ts'
import type { KeyAction, Refusal } from './model.ts'
import { age, bytes, list, short } from './words.ts'

type UseRefusal = { overridable: boolean; sentence: (commands: string) => string }

const BY_USE: Record<KeyUse, UseRefusal> = {
  counter: {
    overridable: false,
    sentence: (commands) =>
      `It is changed in place (${commands}), and a reader of a copy would see old counts: spread a counter in the application, over several keys that are added up when read.`,
  },
  lock: {
    overridable: false,
    sentence: (commands) =>
      `It is used as a lock (${commands}), and a copy would show a lock that is free no more: shorten what is done while it is held, or lock smaller things.`,
  },
  'compare-and-set': {
    overridable: false,
    sentence: (commands) =>
      `It is changed by compare and set (${commands}), and a copy would give the comparison an old value: make the change shorter, or split what it protects.`,
  },
  script: {
    overridable: false,
    sentence: (commands) =>
      `Scripts use it (${commands}), and what a script does with a copy cannot be told: read it with a plain command, or let the script run less often.`,
  },
  stream: {
    overridable: false,
    sentence: (commands) =>
      `It is a stream (${commands}), whose readers have their place in it: spread its entries over several streams in the application.`,
  },
  blocking: {
    overridable: false,
    sentence: (commands) =>
      `Readers wait at it (${commands}), and nothing wakes those that wait at a copy: spread the queue over several keys in the application.`,
  },
  queue: {
    overridable: false,
    sentence: (commands) =>
      `Reading takes from it (${commands}), and from copies an element would be taken twice: spread the queue over several keys in the application.`,
  },
  'multi-key': {
    overridable: true,
    sentence: (commands) =>
      `It is used together with other keys (${commands}), and such commands keep going to the key itself: read it alone, or take it on where only a part of its reads is of this kind.`,
  },
}

export function* refuseKeyUse(facts: MitigationFacts, action: KeyAction, now: number): Iterable<Refusal> {
  const { key } = facts
  if (key === null) return
  for (const [use, commands] of usesOf(key.commands)) {
    const { overridable, sentence } = BY_USE[use]
    yield { id: use, overridable, message: sentence(list(commands)) }
  }
  yield* refuseName(key)
  yield* refuseValue(key)
  yield* refuseWrites(key, action)
  yield* refuseAge(key, now)
}

function* refuseName(key: KeyFacts): Iterable<Refusal> {
  if (isOwnName(key.bytes)) {
    yield {
      id: 'own-key',
      overridable: false,
      message:
        'Cachescope made this key itself, as a copy of another or for its policies: choose the key that it stands for.',
    }
  }
  if (key.db !== 0) {
    yield {
      id: 'database',
      overridable: false,
      message: `It is in database ${key.db}, and what the server tells of changed keys does not say in which database: move it to database 0, or hold it in the application.`,
    }
  }
  const lock = lockWord(key.bytes)
  if (lock !== null) {
    yield {
      id: 'lock-name',
      overridable: false,
      message: `“${lock}” in its name says that it is a lock, and a copy would show a lock that is free no more: shorten what is done while it is held, or lock smaller things.`,
    }
  }
  const word = sensitiveWord(key.bytes)
  if (word !== null) {
    yield {
      id: 'sensitive',
      overridable: true,
      message: `“${word}” in its name says session or sign-in data: a copy may let somebody in who was signed out within the staleness window. Take it on only where you know that it is none.`,
    }
  }
}

function* refuseValue(key: KeyFacts): Iterable<Refusal> {
  if (key.isMissing === true) {
    yield {
      id: 'missing',
      overridable: false,
      message:
        'The key does not exist, so there is nothing to copy, and each read goes on to the origin: store that there is nothing, with a short time to live.',
    }
  }
  if (key.sizeBytes !== null && key.sizeBytes > ELIGIBILITY.maxValueBytes) {
    yield {
      id: 'big-value',
      overridable: false,
      message: `Its value takes ${bytes(key.sizeBytes)} and more than ${bytes(ELIGIBILITY.maxValueBytes)} is not copied: cut it into smaller keys, or compress it.`,
    }
  }
}

function* refuseWrites(key: KeyFacts, action: KeyAction): Iterable<Refusal> {
  const { readsPerSec, writesPerSec } = key
  if (writesPerSec === null || writesPerSec === 0) return
  const limits = action === 'local-cache' ? ELIGIBILITY.localCache : ELIGIBILITY.copies
  const over = timesOver(readsPerSec, writesPerSec, limits)
  if (over <= 1) return
  const reads = readsPerSec === null ? '' : ` and ${short(readsPerSec / writesPerSec)} reads to each`
  const isLocal = action === 'local-cache'
  const isLocalFine = !isLocal && timesOver(readsPerSec, writesPerSec, ELIGIBILITY.localCache) <= 1
  yield {
    id: 'write-heavy',
    overridable: over <= ELIGIBILITY.unsureFactor,
    message: `It has ${short(writesPerSec)} writes/s${reads}; ${isLocal ? 'a local cache pays' : 'copies pay'} up to ${limits.maxWritesPerSec} writes/s and from ${limits.minReadsPerWrite} reads to each, else most reads would be ${isLocal ? 'fetched anew' : 'stale or fetched anew'}: write it less often, or ${isLocalFine ? 'hold it in the processes (local cache)' : 'move its slot to a shard with less load'}.`,
  }
}

/** How many times the worse of the two limits is passed. */
function timesOver(
  readsPerSec: number | null,
  writesPerSec: number,
  limits: { maxWritesPerSec: number; minReadsPerWrite: number },
): number {
  const byWrites = writesPerSec / limits.maxWritesPerSec
  if (readsPerSec === null) return byWrites
  return Math.max(byWrites, (limits.minReadsPerWrite * writesPerSec) / Math.max(readsPerSec, 1e-9))
}

function* refuseAge(key: KeyFacts, now: number): Iterable<Refusal> {
  if (key.at === null || key.readsPerSec === null) {
    yield {
      id: 'unknown-figures',
      overridable: true,
      message: `${key.at === null ? 'No report of the last hour has this key' : `Its source (${key.source}) tells no rates`}, so nothing can be predicted and counters and locks cannot be ruled out: take it on only where you know how it is used.`,
    }
    return
  }
  if (isStale(key, now)) {
    yield {
      id: 'stale-figures',
      overridable: true,
      message: `It was last among the hot keys ${age(now - key.at)} ago: it may have cooled, so look at its shard first.`,
    }
  }
}
