import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { aclOf } from '../../../collector/look/doctor/acl.ts'
import { judge } from '../../../collector/look/doctor/checks.ts'
import { type Exam, parseMonitors, parsePubsubLimit } from '../../../collector/look/doctor/exam.ts'
import { judgeMemcached } from '../../../collector/look/doctor/memcached.ts'
import {
  aclLine,
  type RightState,
  stateOfAnswer,
  wholeAclLine,
} from '../../../collector/look/doctor/rights.ts'
import { keyTypeOf } from '../../../collector/look/key-type.ts'
import { parseMasters } from '../../../collector/sentinel.ts'
import { parseInfo } from '../../../collector/sources/info.ts'

test.each([
  ['7.0.15', ['monitor'], 'ACL SETUSER app +monitor'],
  ['7.2.4', ['client|list', 'memory|usage'], 'ACL SETUSER app +client|list (+memory|usage %R~*)'],
  ['8.0.1', ['subscribe', 'hello'], 'ACL SETUSER app +hello (+subscribe &cachescope-monitor)'],
  ['7.0.0', ['object|freq', 'memory|usage'], 'ACL SETUSER app (+memory|usage +object|freq %R~*)'],
  ['6.2.6', ['memory|usage', 'subscribe'], 'ACL SETUSER app +subscribe'],
  ['7.0.15', [], null],
])('on %s, %j needs %s', (version, refused, line) => {
  expect(aclLine('app', refused, version)).toBe(line)
})

test("before Redis 7 no line opens a user's keys: what needs them is for a user of its own", () => {
  expect(aclLine('app', ['memory|usage'], '6.2.6')).toBeNull()
  const rights: Record<string, RightState> = { 'memory|usage': 'refused', monitor: 'refused' }
  const old = parseInfo('# Server\r\nredis_version:6.2.6\r\nrole:master\r\n')
  const [lines] = aclOf([{ cacheId: 'a', exam: exam(rights, { info: old }) }])
  expect(lines).toMatchObject({ refused: 'ACL SETUSER app +monitor', ownUserOnly: ['memory|usage'] })
  expect(lines?.whole).toMatch(/^ACL SETUSER cachescope on >PASSWORD resetkeys resetchannels -@all .* ~\*$/)
})

test('each user of each cache has its own line, by its own version', () => {
  const old = parseInfo('# Server\r\nredis_version:6.2.6\r\nrole:master\r\n')
  const all = [
    { cacheId: 'a', exam: exam({ monitor: 'allowed' }, { user: 'default' }) },
    { cacheId: 'b', exam: exam({ subscribe: 'refused' }, { user: 'poor', address: '10.0.0.2:6379' }) },
    { cacheId: 'b', exam: exam({ subscribe: 'refused' }, { user: 'poor', info: old }) },
  ]
  expect(aclOf(all).map(({ cacheId, refused }) => [cacheId, refused])).toEqual([
    ['a', null],
    ['b', 'ACL SETUSER poor (+subscribe &cachescope-monitor)'],
    ['b', 'ACL SETUSER poor +subscribe'],
  ])
})

test('the line of docs/permissions.md is the one that doctor prints', async () => {
  const text = await readFile(new URL('../../../docs/permissions.md', import.meta.url), 'utf8')
  expect(text).toContain(`\n${wholeAclLine('7.0.0', true)}\n`)
})

test('the whole line gives no command on keys outside a selector', () => {
  const line = wholeAclLine('7.0.15', true)
  expect(line).toMatch(
    /^ACL SETUSER cachescope on >PASSWORD resetkeys resetchannels clearselectors -@all \+ping/,
  )
  expect(line).toContain('+cluster|shards')
  expect(line.replaceAll(/\([^)]*\)/g, '')).not.toContain('~')
  expect(wholeAclLine('7.0.15', false)).not.toContain('cluster')
})

test.each<[string | null, string, RightState]>([
  [null, '', 'allowed'],
  ['NOPERM', 'this user has no permissions', 'refused'],
  ['ERR', "ERR unknown command 'HELLO'", 'absent'],
  ['ERR', 'ERR This instance has cluster support disabled', 'allowed'],
])('an answer %s %s: %s', (code, message, state) => {
  expect(stateOfAnswer(code, message)).toBe(state)
})

test('clients in MONITOR are found in CLIENT LIST', () => {
  const list = [
    'id=3 addr=10.0.0.9:41000 laddr=10.0.0.1:6379 name=redis-cli flags=O db=0',
    'id=4 addr=10.0.0.8:41000 name= flags=N db=0',
    'id=5 addr=10.0.0.7:41000 name= flags=O db=0',
  ]
  expect(parseMonitors(list.join('\n'))).toEqual(['10.0.0.9:41000 (redis-cli)', '10.0.0.7:41000'])
})

test('the output limit of subscribers', () => {
  const value = [
    'client-output-buffer-limit',
    'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
  ]
  expect(parsePubsubLimit({ value, code: null, message: '' })).toBe(33_554_432)
  expect(parsePubsubLimit({ value: null, code: 'NOPERM', message: '' })).toBeNull()
})

const exam = (rights: Record<string, RightState>, more: Partial<Exam> = {}): Exam => ({
  ...{ address: '10.0.0.1:6379', failure: null, usesTls: false, user: 'app', pingMs: 1, facts: null },
  info: parseInfo('# Server\r\nredis_version:7.0.15\r\nrole:master\r\n'),
  rights: new Map(Object.entries({ command: 'allowed', monitor: 'allowed', ...rights })),
  ...{ isDryRun: true, monitors: [], monitorsUnknown: null, pubsubLimitBytes: 33_554_432 },
  ...{ hasHotkeys: false, hasSlotStats: false, sent: new Map() },
  ...more,
})
const prediction = { windowMs: 20, everyMs: 500, cpuShare: 0.01, latencyMs: 1 }

test.each<[string, Exam, string, string]>([
  ['all permitted', exam({}), 'hot keys', 'ok'],
  ['no MONITOR', exam({ monitor: 'refused' }), 'hot keys', 'refused'],
  ['renamed MONITOR', exam({ monitor: 'absent' }), 'hot keys', 'refused'],
  ['not to be told', exam({ monitor: 'unknown' }), 'hot keys', 'degraded'],
  ['no COMMAND', exam({ command: 'refused' }), 'hot keys', 'refused'],
  ['no SUBSCRIBE', exam({ subscribe: 'refused' }), 'output limit', 'degraded'],
  ['no limit of subscribers', exam({}, { pubsubLimitBytes: 0 }), 'output limit', 'degraded'],
  ['somebody in MONITOR', exam({}, { monitors: ['10.0.0.9:1'] }), 'other MONITORs', 'degraded'],
  ['away', exam({}, { failure: 'Nothing listens.' }), 'connection', 'refused'],
])('%s: %#', (_, of, name, state) => {
  expect(judge(of, prediction, 0.01).find((check) => check.name === name)?.state).toBe(state)
})

test('a Memcached that cannot watch is refused', () => {
  expect(judgeMemcached('1.4.20', new Map())[1]).toMatchObject({ state: 'refused' })
  expect(judgeMemcached('1.6.18', new Map([['watch_enabled', 'no']]))[1]).toMatchObject({ state: 'refused' })
  expect(judgeMemcached('1.6.18', null).map(({ state }) => state)).toEqual(['ok', 'ok', 'degraded'])
})

test.each([
  ['GET', 'string'],
  ['HGETALL', 'hash'],
  ['BLPOP', 'list'],
  ['SADD', 'set'],
  ['SCAN', null],
  ['SORT', null],
  ['BZPOPMIN', 'zset'],
  ['XINFO STREAM', 'stream'],
  ['DEL', null],
  ['EVAL', null],
  ['JSON.GET', 'json'],
  [null, null],
])('%s is of a %s', (command, type) => {
  expect(keyTypeOf(command)).toBe(type)
})

test("a Sentinel's masters, by name, and where a loopback address of its own is", () => {
  const reply = [
    ['name', 'shop', 'ip', '127.0.0.1', 'port', '6379', 'flags', 'master'],
    ['name', 'blog', 'ip', '10.0.0.2', 'port', '6380'],
  ]
  expect(parseMasters(reply, '10.0.0.9')).toEqual([
    { name: 'blog', host: '10.0.0.2', port: 6380, address: '10.0.0.2:6380' },
    { name: 'shop', host: '10.0.0.9', port: 6379, address: '10.0.0.9:6379' },
  ])
  expect(parseMasters(reply, '127.0.0.1')?.[1]?.host).toBe('127.0.0.1')
  expect(parseMasters('OK', 'a')).toBeNull()
  expect(parseMasters([['name', 'x']], 'a')).toBeNull()
})
