/** How long sampled reads took: timed from the sending to the answer, at no cost of what is not sampled. */
import { expect, test } from 'vitest'
import { HotKeys } from '../../../client/hot-keys.ts'
import type { Command } from '../../../client/ioredis/types.ts'

type Settled = Command & { promise: Promise<unknown> }

class Keyed {
  declare args: string[]
  declare keys: string[]
  getKeys() {
    // As ioredis does.
    this.keys ??= [...this.args]
    return this.keys
  }
}

/** As ioredis makes one: settled through these two, waited for by its promise. */
function command(name: string, ...keys: string[]): Settled {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  return Object.assign(new Keyed(), { name, args: keys, resolve, reject, promise })
}

/** @param random 0: after each window's first commands every command is looked at */
function hotKeys(random = 0) {
  let now = 0
  const keys = new HotKeys(
    () => random,
    () => now,
  )
  const report = (left: { hidden?: string; elsewhere?: string } = {}) =>
    keys.report({
      isHidden: (name) => name === left.hidden,
      isTimedElsewhere: (name) => name === left.elsewhere,
    })
  return {
    keys,
    report,
    pass: (ms: number) => {
      now += ms
    },
  }
}

test('a read is timed until who asked for it hears of it, answered or refused', async () => {
  const { keys, report, pass } = hotKeys()
  const [answered, refused] = [command('get', 'k'), command('GET', 'k')]
  keys.take(answered, 0, true)
  pass(2)
  keys.take(refused, 0, true)
  pass(8)
  const order: string[] = []
  const hearing = answered.promise.then((value) => {
    order.push(String(value))
    pass(5)
  })
  answered.resolve('a value')
  await hearing
  refused.reject(new Error('no'))
  await expect(refused.promise).rejects.toThrow('no')
  expect(order).toEqual(['a value'])
  const [key] = report().keys
  expect(key).toMatchObject({ reads: 2, timed: 2 })
  const us = key?.waits?.map(([time, count]) => [Math.round(time / 1_000), count])
  // 10 and 13 ms, to within a tenth: what the application did with the first answer is in the second's time alone.
  expect(us).toEqual([
    [11, 1],
    [13, 1],
  ])
})

test('what is not sampled is left as it is, and so are promises', () => {
  const { keys } = hotKeys(0.5)
  const read = command('get', 'k')
  const { promise, resolve, reject } = read
  const then = Object.getOwnPropertyDescriptor(promise, 'then')
  // Not alone: in a pipeline, in MULTI, or on a connection that is not ready.
  keys.take(read, 0, false)
  expect([read.resolve, read.reject]).toEqual([resolve, reject])
  for (const other of [
    command('set', 'k'),
    command('mget', 'k', 'l'),
    command('ttl', 'k'),
    command('ping'),
  ]) {
    const before = other.resolve
    keys.take(other, 0, true)
    expect(other.resolve).toBe(before)
  }
  keys.take(read, 0, true)
  expect(read.promise).toBe(promise)
  expect(Object.getOwnPropertyDescriptor(promise, 'then')).toEqual(then)
  expect(read.resolve).not.toBe(resolve)
})

test('one that comes by again is timed once, from when it was sent first', async () => {
  const { keys, report, pass } = hotKeys()
  const read = command('get', 'k')
  keys.take(read, 0, true)
  pass(100)
  keys.take(read, 0, true)
  read.resolve('a value')
  await read.promise
  await Promise.resolve()
  expect(report().keys[0]).toMatchObject({ reads: 2, timed: 1, waits: [[expect.any(Number), 1]] })
})

test('it counts where it is answered; a key that has a policy in force is told of by that', async () => {
  const { keys, report, pass } = hotKeys()
  const read = command('get', 'k')
  keys.take(read, 3, true)
  expect(report().keys[0]?.timed).toBeUndefined()
  const [next, alone] = [command('get', 'k'), command('get', 'alone')]
  keys.take(next, 3, true)
  keys.take(alone, 3, true)
  pass(1)
  for (const one of [read, next, alone]) one.resolve(null)
  await Promise.all([read.promise, next.promise, alone.promise])
  await Promise.resolve()
  const told = report({ elsewhere: '3 alone' }).keys
  expect(told.map(({ keyBase64, timed }) => [Buffer.from(keyBase64, 'base64').toString(), timed])).toEqual([
    ['k', 2],
    ['alone', undefined],
  ])
  // Nothing of it in the next window, and nothing of what nobody uses any more.
  expect(report().keys).toEqual([])
})

test('hidden names are not told', () => {
  const { keys, report } = hotKeys()
  keys.take(command('get', '{hk0.1}:k'), 0, true)
  keys.take(command('get', 'k'), 0, true)
  expect(report({ hidden: '0 {hk0.1}:k' }).keys).toHaveLength(1)
})

test('the sampling follows the traffic: dense while there is little, coarse in a burst, and not blind after it', () => {
  const { keys, report, pass } = hotKeys(0.5)
  const send = (count: number) => {
    let sampled = 0
    for (let each = 0; each < count; each++) {
      if (--keys.left > 0) continue
      sampled++
      keys.take(command('get', 'k'), 0, false)
    }
    return sampled
  }
  expect(send(100)).toBe(100)
  pass(5_000)
  expect(report()).toMatchObject({ commands: 100, sampled: 100 })
  // A burst after silence: some of it, and all of it told of.
  expect(send(1_000_000)).toBeLessThan(2_000)
  pass(5_000)
  const burst = report()
  expect(Math.abs(burst.commands / 1_000_000 - 1)).toBeLessThan(0.02)
  // As much again is expected, and a thousand samples of it are enough.
  expect(send(1_000_000)).toBeLessThan(1_300)
  pass(5_000)
  report()
  // Silence again: each window a quarter of what was, and every command in the end.
  for (let window = 0; window < 8; window++) {
    send(20)
    pass(5_000)
    expect(report().commands).toBeLessThan(1_500)
  }
  expect(send(20)).toBe(20)
})

test('what is answered in the process makes the sampling of the rest no coarser', () => {
  const { keys, report, pass } = hotKeys(0.5)
  keys.addElsewhere(Buffer.from('local'), 0, 1_000_000)
  pass(5_000)
  expect(report().commands).toBe(1_000_000)
  for (let each = 0; each < 100; each++) if (--keys.left <= 0) keys.take(command('get', 'k'), 0, false)
  expect(report().sampled).toBe(100)
})

test('a command that is sampled keeps its hidden class: it is not asked for its keys itself', () => {
  const { keys } = hotKeys()
  const read = command('get', 'k')
  const before = Object.keys(read)
  keys.take(read, 0, true)
  expect(Object.keys(read)).toEqual(before)
})
