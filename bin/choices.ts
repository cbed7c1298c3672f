/** The words that the command line takes as arguments. */
import { InvalidArgumentError } from 'commander'
import { parseDuration, parseShare } from '../core/config-values.ts'
import { didYouMean } from '../core/did-you-mean.ts'

export const STAGE_NAMES = ['check', 'unit', 'integration', 'e2e'] as const
export type StageName = (typeof STAGE_NAMES)[number]

/** For commander: accepts one of `choices`, and guesses what was meant by another word. */
export function parseOneOf<T extends string>(choices: readonly T[]): (text: string) => T {
  return (text) => {
    const choice = choices.find((each) => each === text)
    if (choice !== undefined) return choice
    const guess = didYouMean(text, choices)
    throw new InvalidArgumentError(
      guess === null ? `It is one of ${choices.join(', ')}.` : `Did you mean ${guess}?`,
    )
  }
}

export function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('A port is a whole number from 1 to 65535.')
  }
  return port
}

export function parseSeconds(text: string): number {
  const seconds = Number(text.replace(/s$/, ''))
  if (!Number.isFinite(seconds) || seconds < 0) throw new InvalidArgumentError('Give seconds: 5 or 5s.')
  return seconds
}

export function parseMinutes(text: string): number {
  const minutes = Number(text)
  if (text.trim() === '' || !Number.isFinite(minutes) || minutes < 0.5 || minutes > 10_080) {
    throw new InvalidArgumentError('Give minutes, from 0.5 to 10080 (a week).')
  }
  return minutes
}

export function parseSeed(text: string): number {
  const seed = Number(text)
  if (!/^\d+$/.test(text) || seed > 2 ** 31) throw new InvalidArgumentError('A seed is a whole number.')
  return seed
}

/** `5s`, `2m`, or seconds without a unit → milliseconds. */
export function parseLength(min: string, max: string): (text: string) => number {
  return (text) => {
    const parsed = parseDuration(/^\d+(\.\d+)?$/.test(text) ? `${text}s` : text, min, max)
    if (parsed.ok) return parsed.value
    throw new InvalidArgumentError(`It ${parsed.message}.`)
  }
}

/** `1%`, or `1` → 0.01 */
export function parseBudget(text: string): number {
  const parsed = parseShare(text.endsWith('%') ? text : `${text}%`, 0.1, 10)
  if (parsed.ok) return parsed.value
  throw new InvalidArgumentError(`It ${parsed.message}.`)
}

export function parseTop(text: string): number {
  const top = Number(text)
  if (!/^\d+$/.test(text) || top < 1 || top > 100) {
    throw new InvalidArgumentError('It is a whole number from 1 to 100.')
  }
  return top
}
