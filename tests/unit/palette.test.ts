import { describe, expect, test } from 'vitest'
import { shardColor, shardTone } from '../../app/_lib/palette.ts'

const ORDINALS = Array.from({ length: 64 }, (_, index) => index + 1)
/** OKLCH hues of red, orange, amber and yellow. */
const HARM = { from: 0, to: 110 }

describe('the colour of a shard', () => {
  test.each(ORDINALS)('of ordinal %i means no harm and is seen on both backgrounds', (ordinal) => {
    const tone = shardTone(ordinal)
    expect(tone.hue).toBeGreaterThan(HARM.to)
    expect(tone.hue).toBeLessThan(360)
    expect(tone.light).toBeLessThanOrEqual(0.68)
    expect(tone.dark).toBeGreaterThanOrEqual(0.58)
  })

  test('is its own for sixty-four shards', () => {
    expect(new Set(ORDINALS.map(shardColor)).size).toBe(ORDINALS.length)
  })

  test('is the same whenever it is asked for', () => {
    expect(shardColor(3)).toBe(shardColor(3))
  })

  test('differs from its neighbours in lightness, in strength, or clearly in hue', () => {
    for (const ordinal of ORDINALS.slice(1)) {
      const [a, b] = [shardTone(ordinal - 1), shardTone(ordinal)]
      const apart = (of: 'light' | 'chroma' | 'hue', by: number) => Math.abs(a[of] - b[of]) > by
      expect(apart('light', 0.02) || apart('chroma', 0.05) || apart('hue', 45)).toBe(true)
    }
  })
})
