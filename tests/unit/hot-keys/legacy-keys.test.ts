import { expect, test } from 'vitest'
import { MonitorParser } from '../../../collector/monitor/parser.ts'
import { parseCommandTable } from '../../../core/hot-keys/command-keys.ts'
import { CollectingSink, monitorLine } from '../../support/monitor-lines.ts'

/** As Redis 6.2 answers COMMAND: no specifications, no subcommands. */
const table = parseCommandTable([
  ['get', 2, ['readonly', 'fast'], 1, 1, 1, ['@read']],
  ['mset', -3, ['write', 'denyoom'], 1, -1, 2, ['@write']],
  ['blpop', -3, ['write'], 1, -2, 1, []],
  ['eval', -3, ['noscript', 'movablekeys'], 0, 0, 0, []],
  ['zunionstore', -4, ['write', 'movablekeys'], 1, 1, 1, []],
  ['zunion', -3, ['readonly', 'movablekeys'], 0, 0, 0, []],
  ['xread', -4, ['readonly', 'movablekeys'], 1, 1, 1, []],
  ['xreadgroup', -7, ['write', 'movablekeys'], 1, 1, 1, []],
  ['sort', -2, ['write', 'movablekeys'], 1, 1, 1, []],
  ['georadius', -6, ['write', 'movablekeys'], 1, 1, 1, []],
  ['migrate', -6, ['write', 'movablekeys'], 3, 3, 1, []],
  ['memory', -2, ['readonly', 'movablekeys'], 0, 0, 0, []],
  ['object', -2, ['readonly'], 2, 2, 1, []],
  ['bitop', -4, ['write'], 2, -1, 1, []],
  ['bitfield', -2, ['write'], 1, 1, 1, []],
  ['copy', -3, ['write'], 1, 2, 1, []],
  ['sinterstore', -3, ['write'], 1, -1, 1, []],
  ['ping', -1, ['fast'], 0, 0, 0, []],
])

/** `>key` is written, `key` read. */
test.each([
  ['GET a', 'a'],
  ['MSET a 1 b 2', '>a >b'],
  ['BLPOP a b 0', '>a >b'],
  ['EVAL s 2 a b c', '>a >b'],
  ['ZUNIONSTORE d 2 a b WEIGHTS 1 2', '>d a b'],
  ['ZUNION 2 a b WITHSCORES', 'a b'],
  ['XREAD COUNT 5 STREAMS a b 0 0', 'a b'],
  ['XREADGROUP GROUP g c STREAMS a >', 'a'],
  ['SORT a BY w_* STORE d', 'a >d'],
  ['GEORADIUS a 1 2 3 km STORE d', 'a >d'],
  ['MIGRATE h 1 a 0 5', '>a'],
  ['MEMORY USAGE a', 'a'],
  ['OBJECT FREQ a', 'a'],
  ['BITOP AND d a b', '>d a b'],
  ['BITFIELD a GET u8 0', 'a'],
  ['BITFIELD a SET u8 0 1', '>a'],
  ['COPY a b', 'a >b'],
  ['SINTERSTORE d a b', '>d a b'],
  ['PING', ''],
])('%s', (line, expected) => {
  const sink = new CollectingSink()
  const parser = new MonitorParser(table, sink)
  parser.begin({ replies: 0, ownAddresses: [], replica: false, primaryAddress: null })
  parser.feed(Buffer.from(monitorLine(line.split(' '))))
  expect(sink.commands[0]?.map(({ key, write }) => (write ? `>${key}` : key)).join(' ')).toBe(expected)
})

test.each([[null], ['OK'], [[]], [[[]]], [[['']]]])('%o is no reply of COMMAND', (reply) => {
  expect(() => parseCommandTable(reply)).toThrow(/COMMAND/)
})
