import type { MetricUnit } from '../../../core/metrics.ts'

const DECIMAL_STEPS = [1, 2, 2.5, 5, 10]
const BINARY_STEPS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
const TICKS = 4

/** Round ticks of a y axis, from zero to the first one at or above `max`. */
export function yTicks(max: number, unit: MetricUnit): number[] {
  if (unit === 'share' && max <= 1 && max > 0.4) return [0, 0.25, 0.5, 0.75, 1]
  const top = max > 0 ? max : unit === 'share' ? 0.01 : 1
  const binary = unit === 'bytes' || unit === 'bytes-per-second'
  const base = binary ? 1024 : 10
  const raw = top / TICKS
  const magnitude = base ** Math.floor(Math.log(raw) / Math.log(base))
  const steps = binary ? BINARY_STEPS : DECIMAL_STEPS
  const wanted = steps.find((step) => step * magnitude >= raw * 0.9999) ?? base
  const step = Math.max(unit === 'count' ? 1 : 0, wanted * magnitude)
  const count = Math.max(1, Math.ceil(top / step - 1e-9))
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)))
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const TIME_STEPS = [
  10_000,
  30_000,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  30 * DAY,
]

/**
 * Round times of an x axis.
 * @param offsetMs of the reader's zone from UTC, so that hours and days are round where they live
 * @param count about how many fit
 */
export function timeTicks(from: number, to: number, offsetMs: number, count: number): number[] {
  const step =
    TIME_STEPS.find((candidate) => (to - from) / candidate <= count) ?? (TIME_STEPS.at(-1) as number)
  const ticks: number[] = []
  for (let at = Math.ceil((from + offsetMs) / step) * step - offsetMs; at <= to; at += step) ticks.push(at)
  return ticks
}

/** `14:05`, with seconds for ranges of minutes, the day for ranges of days. */
export function timeLabel(at: number, lengthMs: number): string {
  const date = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`
  if (lengthMs <= 3 * MINUTE) return `${clock}:${two(date.getSeconds())}`
  if (lengthMs <= 26 * HOUR) return clock
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
  return lengthMs <= 4 * DAY ? `${day} ${clock}` : day
}
