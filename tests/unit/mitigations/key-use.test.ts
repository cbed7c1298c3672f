import { describe, expect, it } from 'vitest'
import { isOwnName, lockWord, sensitiveWord, usesOf } from '../../../core/mitigations/key-use.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('usesOf', () => {
  it.each([
    ['INCR', 'counter'],
    ['HINCRBY', 'counter'],
    ['ZINCRBY', 'counter'],
    ['SETNX', 'lock'],
    ['WATCH', 'compare-and-set'],
    ['EVALSHA', 'script'],
    ['FCALL_RO', 'script'],
    ['XADD', 'stream'],
    ['XINFO STREAM', 'stream'],
    ['BLPOP', 'blocking'],
    ['LPOP', 'queue'],
    ['MGET', 'multi-key'],
    ['SUNION', 'multi-key'],
  ])('%s is the use of a %s', (command, use) => {
    expect([...usesOf([command])]).toEqual([[use, [command]]])
  })

  it.each(['GET', 'SET', 'HGETALL', 'ZRANGE', 'SMEMBERS', 'DEL', 'EXPIRE', 'JSON.GET', ''])(
    '%j speaks against nothing',
    (command) => expect(usesOf([command]).size).toBe(0),
  )

  it('names all commands of one use together', () => {
    expect([...usesOf(['GET', 'INCR', 'DECR', 'XADD'])]).toEqual([
      ['counter', ['INCR', 'DECR']],
      ['stream', ['XADD']],
    ])
  })
})

describe('sensitiveWord', () => {
  it.each([
    ['session:abc', 'session'],
    ['app:sess:abc', 'sess'],
    ['user/12/token', 'token'],
    ['jwt:9', 'jwt'],
    ['otp.12', 'otp'],
    ['{user:9}:csrf', 'csrf'],
    ['user_token:9', 'token'],
    ['accessToken:9', 'token'],
    ['SESSION:9', 'session'],
    ['sessions:9', 'session'],
  ])('finds in %s the word %s', (key, word) => {
    const found = sensitiveWord(bytes(key))
    expect(found?.startsWith(word)).toBe(true)
  })

  it.each([
    'article:42',
    'author:9',
    'tokenizer:model',
    'sessions-per-day',
    'block:9',
    'authority:9',
    'lock:order:9',
    '',
  ])('finds none in %j', (key) => expect(sensitiveWord(bytes(key))).toBeNull())

  it('bears bytes that are no text', () => {
    expect(sensitiveWord(Uint8Array.of(0xff, 0x00, 0x3a, 0x80))).toBeNull()
  })
})

describe('isOwnName', () => {
  it.each(['{hk0.4}:article:42', '{hk12.931}:{hk0.4}:x', '{hk:shop}:pol', '{hk:shop}:i:1', 'hk:apps'])(
    'knows %s',
    (key) => expect(isOwnName(bytes(key))).toBe(true),
  )
  it.each(['article:42', '{hk}:x', 'hk0.4:x', 'x{hk0.4}:y', 'hk:apps:9'])('does not know %s', (key) =>
    expect(isOwnName(bytes(key))).toBe(false),
  )
})

describe('lockWord', () => {
  it.each([
    ['lock:order:9', 'lock'],
    ['order:9:locks', 'locks'],
    ['session:9:lock', 'lock'],
    ['orderMutex:9', 'mutex'],
    ['SEMAPHORE.9', 'semaphore'],
  ])('finds in %s the word %s', (key, word) => expect(lockWord(bytes(key))).toBe(word))

  it.each(['article:42', 'block:9', 'clock', 'locksmith:9', 'session:9'])('finds none in %s', (key) =>
    expect(lockWord(bytes(key))).toBeNull(),
  )
})
