import { describe, expect, test } from 'vitest'
import { parseInfo, readInfo, readReplicas } from '../../app/caches/[cacheId]/nodes/[nodeId]/_lib/info.ts'

const REPLY = [
  '# Server',
  'redis_version:7.0.15',
  'executable:/usr/bin/redis-server:x',
  '',
  '# Persistence',
  'rdb_last_bgsave_time_sec:-1',
  'rdb_last_save_time:1795414224',
  'config_file:',
  '',
  '# Replication',
  'role:master',
  'slave0:ip=10.0.0.2,port=6379,state=online,offset=42,lag=1',
  'slave1:ip=::1,port=6380,state=wait_bgsave,offset=0,lag=0',
  '',
  '# Modules',
  '',
].join('\r\n')

describe('parseInfo', () => {
  test('keeps sections in order, leaves out empty ones, and splits at the first colon', () => {
    const sections = parseInfo(REPLY)
    expect(sections.map(({ name }) => name)).toEqual(['Server', 'Persistence', 'Replication'])
    expect(sections[0]?.facts[1]).toEqual({ name: 'executable', value: '/usr/bin/redis-server:x' })
  })

  test.each(['', '\r\n', 'no colon', ':', '# Only a title'])('%j has no facts', (text) => {
    expect(parseInfo(text)).toEqual([])
  })
})

describe('readInfo', () => {
  const info = readInfo(parseInfo(REPLY))
  test('unknown is null', () => {
    expect(info.number('maxclients')).toBeNull()
    expect(info.number('redis_version')).toBeNull()
    expect(info.number('config_file')).toBeNull()
    expect(info.positive('rdb_last_bgsave_time_sec')).toBeNull()
    expect(info.positive('rdb_last_save_time')).toBe(1795414224)
  })

  test('replicas as their primary lists them', () => {
    expect(readReplicas(info)).toEqual([
      { address: '10.0.0.2:6379', state: 'online', offsetBytes: 42, lagSeconds: 1 },
      { address: '[::1]:6380', state: 'wait_bgsave', offsetBytes: 0, lagSeconds: 0 },
    ])
  })
})
