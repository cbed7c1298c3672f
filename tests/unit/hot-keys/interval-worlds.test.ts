import { expect, test } from 'vitest'
import { currentSlices } from '../../../core/hot-keys/change.ts'
import { shareInterval } from '../../../core/hot-keys/interval.ts'
import type { SliceCount } from '../../../core/hot-keys/window.ts'
import { binomial, mulberry } from '../../support/random-draws.ts'

const RUNS = 3_000

type World = {
  share: number
  slices: number
  /** Of a slice, up to ± this part of the share, over the whole second. */
  wave?: number
  /** The same within a second, from burst to burst. */
  burstWave?: number
  /** Of one slice; of a command in a script only the script is counted. */
  commands?: 'even' | 'uneven'
  /** Uses that the sketch may have too many of, each way. */
  error?: number
  /** The truth is that of the seconds seen: of a few nobody can tell what comes after. */
  isOfWindow?: boolean
  /** The mean width of the interval, as a part of the share. */
  maxWidth: number
}

const worlds: [string, World][] = [
  ['steady, light', { share: 0.003, slices: 10, maxWidth: 0.9 }],
  ['steady, 1%', { share: 0.01, slices: 10, maxWidth: 0.5 }],
  ['steady, heavy', { share: 0.3, slices: 10, maxWidth: 0.08 }],
  ['waves, light', { share: 0.003, slices: 10, wave: 0.5, maxWidth: 1.1 }],
  ['waves, 5%', { share: 0.05, slices: 10, wave: 0.5, maxWidth: 0.6 }],
  ['strong waves, 5%', { share: 0.05, slices: 10, wave: 1, maxWidth: 1.2 }],
  ['waves, heavy', { share: 0.3, slices: 10, wave: 0.5, maxWidth: 0.6 }],
  ['waves within seconds', { share: 0.05, slices: 10, wave: 0.3, burstWave: 0.3, maxWidth: 0.45 }],
  ['five seconds', { share: 0.01, slices: 5, maxWidth: 1.1 }],
  ['five seconds of waves', { share: 0.05, slices: 5, wave: 0.5, maxWidth: 1.4 }],
  ['three seconds', { share: 0.01, slices: 3, isOfWindow: true, maxWidth: 1.1 }],
  ['two seconds of waves', { share: 0.05, slices: 2, wave: 0.5, isOfWindow: true, maxWidth: 0.9 }],
  ['one second', { share: 0.01, slices: 1, burstWave: 0.3, isOfWindow: true, maxWidth: 2.8 }],
  ['uneven seconds', { share: 0.01, slices: 10, commands: 'uneven', wave: 0.3, maxWidth: 1.9 }],
  ['an unsure sketch', { share: 0.01, slices: 10, error: 3, maxWidth: 0.9 }],
]

test.each(worlds)(
  '%s: the truth is inside in 95 of 100 windows or more, and the interval is no wider than it must be',
  (_, world) => {
    const random = mulberry(7)
    let covered = 0
    let width = 0
    for (let run = 0; run < RUNS; run++) {
      const { slices, truth } = draw(world, random)
      const { low, high } = shareInterval(currentSlices(slices).slices)
      if (low <= truth && truth <= high) covered++
      width += (high - low) / world.share / RUNS
    }
    expect(covered / RUNS).toBeGreaterThanOrEqual(0.95)
    expect(width).toBeLessThan(world.maxWidth)
  },
)

function draw(world: World, random: () => number): { slices: SliceCount[]; truth: number } {
  const swing = (part = 0) => 1 + part * (random() * 2 - 1)
  let sum = 0
  const slices = Array.from({ length: world.slices }, (): SliceCount => {
    const share = world.share * swing(world.wave)
    sum += share
    const size =
      world.commands === 'uneven' ? (random() < 0.2 ? 4_000 : 100) : 300 + Math.floor(random() * 2_400)
    const bursts = world.burstWave === undefined ? 1 : 3
    const commands = Math.ceil(size / bursts) * bursts
    let uses = 0
    for (let burst = 0; burst < bursts; burst++) {
      uses += binomial(commands / bursts, Math.min(1, share * swing(world.burstWave)), random)
    }
    // Where in its bounds the truth lies, the sketch does not know.
    const below = Math.min(uses, Math.floor(random() * ((world.error ?? 0) + 1)))
    const above = Math.floor(random() * ((world.error ?? 0) + 1))
    return { low: uses - below, high: Math.min(commands, uses + above), commands }
  })
  return { slices, truth: world.isOfWindow === true ? sum / world.slices : world.share }
}
