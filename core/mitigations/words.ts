/** Figures in the sentences about mitigations, three digits at most and always with their unit; and what a phase is called. */
import type { MitigationPhase } from './model.ts'

/** What follows the mitigation's name. */
export const PHASE_WORDS: Record<MitigationPhase, string> = {
  prepare: 'is being prepared',
  active: 'is active',
  draining: 'is drained',
  off: 'is off',
}

const KIB = 1_024

/** `1.2 k/s` */
export function perSecond(value: number): string {
  return `${short(value)}/s`
}

/** `1.2 k` */
export function short(value: number): string {
  if (value >= 999_500) return `${Number((value / 1_000_000).toPrecision(3))} M`
  if (value >= 999.5) return `${Number((value / 1_000).toPrecision(3))} k`
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)))
}

export function percent(share: number): string {
  const value = share * 100
  return `${value >= 10 || value === 0 ? Math.round(value) : Number(value.toPrecision(2))}%`
}

/** `2.4×` */
export function times(ratio: number): string {
  return `${Number(ratio.toPrecision(3))}×`
}

export function seconds(value: number): string {
  return value < 1 ? `${Math.round(value * 1_000)} ms` : `${Number(value.toPrecision(3))} s`
}

export function age(ms: number): string {
  const whole = Math.max(0, Math.round(ms / 1_000))
  if (whole < 120) return `${whole} s`
  const minutes = Math.round(whole / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}

export function bytes(value: number): string {
  if (value < KIB) return `${Math.round(value)} B`
  if (value < KIB * KIB) return `${Number((value / KIB).toPrecision(3))} KiB`
  if (value < KIB ** 3) return `${Number((value / KIB ** 2).toPrecision(3))} MiB`
  return `${Number((value / KIB ** 3).toPrecision(3))} GiB`
}

export function microseconds(us: number): string {
  return us < 1_000 ? `${Math.round(us)} µs` : `${Number((us / 1_000).toPrecision(2))} ms`
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** `a, b and c` */
export function list(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`
}
