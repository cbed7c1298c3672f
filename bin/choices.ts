/** The words that the command line takes as arguments. */
import { InvalidArgumentError } from 'commander'
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
