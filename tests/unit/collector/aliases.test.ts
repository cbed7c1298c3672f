import { describe, expect, it } from 'vitest'
import { Aliases } from '../../../collector/aliases.ts'

/** `name` is the configured address; what is not watched is asked, and answers with what `runs` has for it. */
function setUp() {
  const asked: string[] = []
  const runs = new Map<string, string>()
  const aliases = new Aliases(async (address) => {
    asked.push(address)
    return runs.get(address) ?? null
  })
  const watch = (addresses: Record<string, string | null>) =>
    aliases.update(Object.entries(addresses).map(([address, runId]) => ({ address, runId })))
  return { aliases, asked, runs, watch }
}

describe('Aliases', () => {
  it('keep the preferred address of a server, while it is not watched by the other one or does not answer', async () => {
    const { aliases, asked, watch } = setUp()
    await watch({ 'name:1': 'run-1', '10.0.0.1:1': 'run-1' })
    await watch({ 'name:1': 'run-1' })
    await watch({ 'name:1': null })
    expect(aliases.canonical('10.0.0.1:1')).toBe('name:1')
    expect(asked).toEqual([])
  })

  it('free the old server when its name leads to another', async () => {
    const { aliases, runs, watch } = setUp()
    await watch({ 'name:1': 'run-1', '10.0.0.1:1': 'run-1' })
    runs.set('10.0.0.1:1', 'run-1')
    expect(await watch({ 'name:1': 'run-2', '10.0.0.2:1': 'run-2' })).toEqual(['10.0.0.1:1'])
    expect(aliases.has('10.0.0.1:1')).toBe(false)
    expect(aliases.canonical('10.0.0.2:1')).toBe('name:1')
  })

  it('free the old server even if it is dead', async () => {
    const { watch } = setUp()
    await watch({ 'name:1': 'run-1', '10.0.0.1:1': 'run-1' })
    expect(await watch({ 'name:1': 'run-2' })).toEqual(['10.0.0.1:1'])
  })

  it('stay over a restart of the server, asked once', async () => {
    const { aliases, asked, runs, watch } = setUp()
    await watch({ 'name:1': 'run-1', '10.0.0.1:1': 'run-1' })
    runs.set('10.0.0.1:1', 'run-1b')
    expect(await watch({ 'name:1': 'run-1b' })).toEqual([])
    await watch({ 'name:1': 'run-1b' })
    expect(aliases.canonical('10.0.0.1:1')).toBe('name:1')
    expect(asked).toEqual(['10.0.0.1:1'])
  })
})
