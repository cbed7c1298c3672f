/**
 * Figures for people: three significant digits at most, always with their unit, `unknown` when unknown.
 * Pure, and the same on the server and in the browser.
 */
import { type MetricUnit, NODE_METRICS, type NodeMetric } from '../../core/metrics.ts'

export const UNKNOWN = 'unknown'
type Figure = number | null | undefined

const SI = ['', 'k', 'M', 'G', 'T', 'P']
const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

function digits(value: number): string {
  const rounded = Number(value.toPrecision(3))
  return rounded === 0 ? '0' : String(Math.abs(rounded) < 0.01 ? Number(rounded.toPrecision(1)) : rounded)
}

/** Divides by `base` until three digits remain; a value that rounds up to the next unit is shown in it. */
function scale(value: number, base: number, units: string[]): [string, string] {
  let scaled = value
  let index = 0
  while (
    index < units.length - 1 &&
    Math.abs(Number(scaled.toPrecision(3))) >= (base === 1024 ? 1000 : base)
  ) {
    scaled /= base
    index += 1
  }
  return [digits(scaled), units[index] as string]
}

function known(value: Figure): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

/** `12.4 k/s` */
export function formatRate(perSec: Figure): string {
  if (!known(perSec)) return UNKNOWN
  const [text, unit] = scale(perSec, 1000, SI)
  return `${text} ${unit}/s`.replace(' /s', '/s')
}

/** `50 k`; a count has no unit of its own, give one to make it `50 k keys`. */
export function formatCount(count: Figure, unit = ''): string {
  if (!known(count)) return UNKNOWN
  const [text, prefix] = scale(count, 1000, SI)
  return [text, prefix, unit].filter((part) => part !== '').join(' ')
}

/** `3.1 GiB` */
export function formatBytes(bytes: Figure): string {
  if (!known(bytes)) return UNKNOWN
  return scale(bytes, 1024, IEC).join(' ')
}

/** `1.2 MiB/s` */
export function formatByteRate(bytesPerSec: Figure): string {
  return known(bytesPerSec) ? `${formatBytes(bytesPerSec)}/s` : UNKNOWN
}

/** `64%`, `4.2%`, `0.14%`; 99.96% never becomes a false 100%. */
export function formatShare(share: Figure): string {
  if (!known(share)) return UNKNOWN
  const percent = share * 100
  const size = Math.abs(percent)
  if (size === 0 || size === 100) return `${percent}%`
  if (size < 0.01) return '<0.01%'
  if (size < 1) return `${Number(percent.toFixed(2))}%`
  if (size < 10) return `${Number(percent.toFixed(1))}%`
  if (size < 99) return `${Math.round(percent)}%`
  return size < 100 ? `${Math.floor(percent * 10) / 10}%` : `${Math.round(percent)}%`
}

/** `2.4×` */
export function formatTimes(ratio: Figure): string {
  return known(ratio) ? `${digits(ratio)}×` : UNKNOWN
}

/** `240 ms`, `85 µs`, `1.2 s` */
export function formatMs(ms: Figure): string {
  if (!known(ms)) return UNKNOWN
  if (ms === 0) return '0 ms'
  if (Math.abs(ms) < 0.9995) return `${digits(ms * 1000)} µs`
  if (Math.abs(ms) < 999.5) return `${digits(ms)} ms`
  return formatDuration(ms / 1000)
}

/** `85 µs`, from microseconds. */
export function formatUs(us: Figure): string {
  return known(us) ? formatMs(us / 1000) : UNKNOWN
}

const UNITS: [name: string, seconds: number][] = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
]

/** `1.2 s`, `3 min 20 s`, `4 h 5 min`, `12 d 3 h`: the two largest units. */
export function formatDuration(seconds: Figure): string {
  if (!known(seconds)) return UNKNOWN
  if (Math.abs(seconds) < 0.9995 && seconds !== 0) return formatMs(seconds * 1000)
  if (seconds < 59.5) return `${digits(seconds)} s`
  const whole = Math.round(seconds)
  for (const [index, [name, size]] of UNITS.entries()) {
    if (whole < size) continue
    const [lesserName, lesserSize] = UNITS[index + 1] ?? ['s', 1]
    const rest = Math.floor((whole % size) / lesserSize)
    return rest === 0
      ? `${Math.floor(whole / size)} ${name}`
      : `${Math.floor(whole / size)} ${name} ${rest} ${lesserName}`
  }
  return `${whole} s`
}

/** `now`, `4 s`, `3 min`, `2 h`, `5 d`: one unit, for ages. */
export function formatAge(ms: Figure): string {
  if (!known(ms)) return UNKNOWN
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 1) return 'now'
  for (const [name, size] of UNITS) if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`
  return `${seconds} s`
}

const BY_UNIT: Record<MetricUnit, (value: Figure) => string> = {
  'per-second': formatRate,
  bytes: formatBytes,
  'bytes-per-second': formatByteRate,
  ms: formatMs,
  s: formatDuration,
  share: formatShare,
  ratio: formatTimes,
  count: (value) => formatCount(value),
  'us-per-second': (value) => (known(value) ? `${formatUs(value)}/s` : UNKNOWN),
}

/** A figure of a sample, by its own unit. */
export function formatMetric(metric: NodeMetric, value: Figure): string {
  return BY_UNIT[NODE_METRICS[metric].unit](value)
}

/** The same by unit; charts use it for axes and cursors. */
export function formatUnit(unit: MetricUnit, value: Figure): string {
  return BY_UNIT[unit](value)
}

/** `1 node`, `3 nodes` */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`
}

/** Slot ranges as the field writes them: `0–5460, 10923`. */
export function formatSlots(slots: readonly (readonly [number, number])[] | null): string {
  if (slots === null) return 'all keys'
  if (slots.length === 0) return 'no slots'
  return slots.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ')
}
