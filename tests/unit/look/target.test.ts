import { expect, test } from 'vitest'
import { parseTargets } from '../../../collector/look/target.ts'

const place = (host: string, port: number, address = `${host}:${port}`) => ({ host, port, address })

test.each([
  ['redis://localhost', { kind: 'redis', tls: false, places: [place('localhost', 6379)] }],
  ['REDISS://10.0.0.1:6380/0', { kind: 'redis', tls: true, places: [place('10.0.0.1', 6380)] }],
  ['redis://[::1]:7000', { kind: 'redis', places: [place('::1', 7000, '[::1]:7000')] }],
  ['redis://[::1]', { kind: 'redis', places: [place('::1', 6379, '[::1]:6379')] }],
  ['redis://a:1,b', { kind: 'redis', places: [place('a', 1), place('b', 6379)] }],
  ['redis://u:p%40ss@a', { username: 'u', password: 'p@ss', places: [place('a', 6379)] }],
  ['redis://u@a', { username: 'u', password: 'env' }],
  ['sentinel://s1,s2:26380/my%20master', { kind: 'sentinel', masterName: 'my master' }],
  ['sentinel://s1', { kind: 'sentinel', masterName: null, places: [place('s1', 26_379)] }],
  ['memcached://a,b:2', { kind: 'memcached', password: null, places: [place('a', 11_211), place('b', 2)] }],
])('%s', (url, expected) => {
  expect(parseTargets([url], 'env')[0]).toMatchObject(expected)
})

test.each([
  ['localhost:6379', 'has no scheme: write redis://localhost:6379'],
  ['', 'has no scheme'],
  ['http://a', 'begins with http://'],
  ['redis://', 'has no valid host'],
  ['redis://a:99999', 'has the port 99999; ports are 1 to 65535'],
  ['redis://a:x', 'has a port that is not a number'],
  ['redis://a/3', 'names a database'],
  ['redis://a?tls=1', 'has a ? or #'],
  ['redis://a,a', 'names a:6379 twice'],
  ['redis://u:s3cret%zz@a', 'not percent-encoded right'],
  ['redis://u:s3cret@a b', 'has no valid host'],
  ['memcached://u:s3cret@a', 'cannot sign in to a Memcached'],
  ['memcached://a/x', 'ends in a path'],
])('%j is refused in a sentence without its password', (url, sentence) => {
  expect(() => parseTargets([url], null)).toThrow(sentence)
  expect(() => parseTargets(['redis://ok', url], null)).toThrow(/^URL 2 of 2 (?!.*s3cret)/)
})
