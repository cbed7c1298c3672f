/** Text in columns of a terminal: how many cells it takes, how it is cut, and figures for people. Pure. */

const WIDE =
  /^[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]$/u

export function cellsOf(text: string): number {
  let cells = 0
  for (const character of text) cells += cellsOfCharacter(character)
  return cells
}

function cellsOfCharacter(character: string): number {
  if (character >= ' ' && character <= '~') return 1
  if (/^\p{M}$/u.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

/** Cut in its middle: what keys of one kind differ in is often their end. */
export function cutMiddle(text: string, cells: number): string {
  if (cellsOf(text) <= cells) return text
  if (cells <= 1) return cells === 1 ? '…' : ''
  const characters = [...text]
  const tail = takeCells(characters.toReversed(), Math.floor((cells - 1) / 3)).reverse()
  const head = takeCells(characters, cells - 1 - cellsOf(tail.join('')))
  return `${head.join('')}…${tail.join('')}`
}

/** Cut at its end. */
export function cutEnd(text: string, cells: number): string {
  if (cellsOf(text) <= cells) return text
  return cells < 1 ? '' : `${takeCells([...text], cells - 1).join('')}…`
}

function takeCells(characters: readonly string[], cells: number): string[] {
  const taken: string[] = []
  let left = cells
  for (const character of characters) {
    left -= cellsOfCharacter(character)
    if (left < 0) break
    taken.push(character)
  }
  return taken
}

export function padEnd(text: string, cells: number): string {
  return text + ' '.repeat(Math.max(0, cells - cellsOf(text)))
}

export function padStart(text: string, cells: number): string {
  return ' '.repeat(Math.max(0, cells - cellsOf(text))) + text
}

const UNKNOWN = '–'

/** `12,345`, `37`, `3.4`, `0.02` */
export function countText(value: number | null): string {
  if (value === null) return UNKNOWN
  if (value >= 99.5) return Math.round(value).toLocaleString('en-US')
  if (value >= 9.95) return value.toFixed(0)
  // A difference of two equal rates can be a hair below zero.
  if (Number.isInteger(value) || Math.abs(value) < 0.005) return value.toFixed(0).replace('-0', '0')
  return value >= 0.095 ? value.toFixed(1) : value.toFixed(2)
}

/** `12.3%` */
export function percentText(share: number | null): string {
  if (share === null) return UNKNOWN
  const percent = share * 100
  if (percent === 0) return '0%'
  if (percent < 0.01) return '<0.01%'
  return `${percent.toFixed(percent < 1 ? 2 : 1)}%`
}

/** `12.3% ±0.4`: half of the 95% interval, in points, its longer side. */
export function shareText(share: number | null, low: number | null, high: number | null): string {
  if (share === null || low === null || high === null) return percentText(share)
  const points = Math.max(high - share, share - low) * 100
  return `${percentText(share)} ±${points < 0.095 ? points.toFixed(2) : points.toFixed(1)}`
}

/** `512 B`, `1.9 MB`; thousands. */
export function bytesText(bytes: number | null): string {
  if (bytes === null) return UNKNOWN
  for (const [unit, size] of [
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const) {
    if (bytes >= size * 0.9995) return `${(bytes / size).toFixed(bytes < 9.95 * size ? 1 : 0)} ${unit}`
  }
  return `${Math.round(bytes)} B`
}
