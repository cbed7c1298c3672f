/** Which servers read the keys of which. */
import { expect, test } from 'vitest'
import { readsKeysOf } from '../../../collector/mitigations/actions/slot-format.ts'

const server = (name: string) => {
  const [engine = '', version = null] = name.split(' ')
  return { engine, version }
}

test.each([
  ['redis 7.0.15', 'redis 7.0.4', true],
  ['redis 6.2.14', 'redis 7.0.15', true],
  ['redis 7.0.15', 'redis 8.6.3', true],
  ['redis 6.2.14', 'redis 6.0.9', true],
  ['redis 8.0.1', 'redis 7.4.2', true],
  ['redis 7.0.15', 'redis 6.2.14', false],
  ['redis 8.6.3', 'redis 7.0.15', false],
  ['redis 8.6.3', 'redis 8.4.0', false],
  ['redis 4.0.1', 'redis 3.2.1', false],
  ['valkey 8.1.0', 'valkey 7.2.5', true],
  ['valkey 8.0.1', 'valkey 9.1.2', true],
  ['valkey 9.1.2', 'valkey 8.1.0', false],
  ['redis 7.2.4', 'valkey 8.0.1', true],
  ['redis 7.0.15', 'valkey 9.1.2', true],
  ['valkey 8.0.1', 'redis 7.2.4', true],
  ['valkey 8.0.1', 'redis 7.0.15', false],
  ['redis 7.4.1', 'valkey 9.1.2', false],
  ['redis 8.6.3', 'valkey 9.1.2', false],
  ['valkey 9.1.2', 'redis 8.6.3', false],
  ['redis', 'redis 7.0.15', true],
])('what %s writes, %s reads: %s', (source, destination, expected) => {
  expect(readsKeysOf(server(source), server(destination))).toBe(expected)
})
