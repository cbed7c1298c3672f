/** What a key's page says of how long its readers wait. */
import { expect, test } from 'vitest'
import { p99Note, untold } from '../../app/caches/[cacheId]/keys/[db]/[keyBase64Url]/_lib/waits-text.ts'

const figures = { p50Us: 400, p99Us: 2_000, p99LowUs: 1_500, p99HighUs: 4_000 }

test('p99 has an end only where enough reads were timed to tell it', () => {
  expect(p99Note({ ...figures, timed: 20_000 })).toBe('between 1.5 ms and 4 ms for certain')
  expect(p99Note({ ...figures, timed: 40 })).toBe('1.5 ms or more: too few reads to say how much')
})

test('why nothing is known is told by who could tell', () => {
  expect(untold({ instances: 0 })).toMatchObject({
    title: 'No application tells how long it waits',
    text: expect.stringContaining('None was heard of in the last 15 s.'),
  })
  expect(untold({ instances: 1 }).title).toBe('The one process with the library has timed no read of it')
  expect(untold({ instances: 12 }).title).toBe('None of 12 processes with the library has timed a read of it')
})
