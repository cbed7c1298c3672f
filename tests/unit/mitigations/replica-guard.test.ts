import { expect, test } from 'vitest'
import { findLateReplica, Unheard } from '../../../collector/mitigations/actions/replica-guard.ts'
import { parseInfo } from '../../../collector/sources/info.ts'

const REPLICA = '127.0.0.1:2'
const SERVER = 'redis_version:7.0.15\nredis_mode:cluster'

const primaryWith = (lag: number) => ({
  address: '127.0.0.1:1',
  reading: {
    info: parseInfo(
      `${SERVER}\nrole:master\nslave0:ip=127.0.0.1,port=2,state=online,offset=10,lag=${lag}\nmaster_repl_offset:10`,
    ),
  },
})
const replica = (link: 'up' | 'down', downSeconds: number, uptime = 1_000) => ({
  address: REPLICA,
  reading: {
    info: parseInfo(
      [
        SERVER,
        `uptime_in_seconds:${uptime}`,
        'role:slave\nmaster_host:127.0.0.1\nmaster_port:1',
        `master_link_status:${link}`,
        `master_link_down_since_seconds:${downSeconds}`,
      ].join('\n'),
    ),
  },
})

test.each<
  [string, number, { address: string; reading: ReturnType<typeof replica>['reading'] | null }, RegExp | null]
>([
  ['keeps up', 0, replica('up', -1), null],
  ['is silent for three seconds', 3, replica('up', -1), /3 s behind/],
  ['has lost its link a second ago', 1, replica('down', 1), null],
  ['has lost its link for longer', 1, replica('down', 2), /cut off/],
  ['has just started', 1, replica('down', -1, 2), null],
  ['was started and never let in', 1, replica('down', -1, 5), /cut off/],
  ['is not up', 9, { address: REPLICA, reading: null }, null],
])('a replica that %s', (_, lag, look, message) => {
  const late = findLateReplica(primaryWith(lag), [look])
  if (message === null) expect(late).toBeNull()
  else expect(late).toMatch(message)
})

const silent = { address: REPLICA, reading: null }

test('a replica that nobody hears is late after five seconds, unless its primary vouches for it', () => {
  const alone = { address: '127.0.0.1:1', reading: { info: parseInfo(`${SERVER}\nrole:master`) } }
  const unheard = new Unheard()
  expect(unheard.find(alone, [silent], 0)).toBeNull()
  expect(unheard.find(alone, [silent], 4_999)).toBeNull()
  expect(unheard.find(primaryWith(1), [silent], 5_000)).toBeNull()
  // Counted anew.
  expect(unheard.find(alone, [silent], 6_000)).toBeNull()
  expect(unheard.find(alone, [silent], 11_000)).toMatch(/127\.0\.0\.1:2 has not answered for 5 s/)
  expect(unheard.find(alone, [replica('up', -1)], 12_000)).toBeNull()
})

test('a primary that nobody hears is late as well', () => {
  const gone = { address: '127.0.0.1:1', reading: null }
  const unheard = new Unheard()
  expect(unheard.find(gone, [replica('up', -1)], 0)).toBeNull()
  expect(unheard.find(gone, [replica('up', -1)], 5_000)).toMatch(/primary 127\.0\.0\.1:1/)
})
