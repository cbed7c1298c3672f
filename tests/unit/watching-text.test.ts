import { expect, test } from 'vitest'
import { endText, STATE_WORDS } from '../../app/caches/[cacheId]/nodes/[nodeId]/_lib/watching-text.ts'
import { Watching } from '../../core/model.ts'

test('every state of a source has its words, no two the same', () => {
  const states = Watching.shape.sources.element.shape.state.options
  expect(Object.keys(STATE_WORDS).toSorted()).toEqual([...states].toSorted())
  expect(new Set(Object.values(STATE_WORDS)).size).toBe(states.length)
})

test.each(['window', 'lines', 'bytes', 'memory', 'lag', 'guard', 'aborted', 'failed', 'refused'])(
  'a burst that ended by %s is told in a sentence',
  (end) => {
    expect(endText(end)).toMatch(/^(its|it|the|Cachescope|watching) \w+/)
  },
)

test('an end that has no words yet is shown as it is', () => {
  expect(endText('solar flare')).toBe('solar flare')
})
