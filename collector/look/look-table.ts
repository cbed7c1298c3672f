/** A look as lines of text, cut to the terminal's width. Pure; keys come formatted, without a character that moves a cursor. */
import type { CacheHotKey, HotPattern } from '../../core/model.ts'
import {
  bytesText,
  cellsOf,
  countText,
  cutEnd,
  cutMiddle,
  padEnd,
  padStart,
  percentText,
  shareText,
} from './cells.ts'
import { keyTypeOf } from './key-type.ts'
import type { LookResult } from './look.ts'
import { headLine, lastLines } from './look-words.ts'

export type LookView = {
  list: 'keys' | 'patterns' | 'missing'
  by: 'rate' | 'bytes'
  top: number
  /** Cells of a line; null: as long as it takes. */
  width: number | null
  color: boolean
}

type Column<Row> = {
  title: string
  text(row: Row, index: number): string
  /** Left out first where the width is short: the higher, the sooner; 0 stays. */
  spare: number
  /** Takes what the others leave; left-aligned. */
  isKey?: true
}

const MIN_KEY_CELLS = 16
const MAX_KEY_CELLS = 100

/** @param final whether the look has ended: the cost is told in full */
export function lookLines(result: LookResult, view: LookView, final: boolean): string[] {
  const rows = rowsOf(result, view)
  const head = headLine(result)
  const table =
    view.list === 'patterns'
      ? tableOf(result.patterns.slice(0, view.top), patternColumns(result), view.width)
      : tableOf(rows, keyColumns(result, view, rows), view.width)
  const [title = '', ...lines] = table
  const bold = (text: string) => (view.color ? `\x1b[1m${text}\x1b[22m` : text)
  const dim = (text: string) => (view.color ? `\x1b[2m${text}\x1b[22m` : text)
  const cut = (text: string) => (view.width === null || final ? text : cutEnd(text, view.width))
  return [
    bold(cut(head)),
    ...(table.length > 1 ? ['', dim(title), ...lines] : []),
    '',
    ...lastLines(result, view.list, table.length > 1, final).map((line) => dim(cut(line))),
  ]
}

/** What is listed, of all that the look brought. */
export function rowsOf(result: LookResult, view: Pick<LookView, 'list' | 'by' | 'top'>): CacheHotKey[] {
  const listed =
    view.list === 'missing' ? result.hotKeys.filter((key) => key.isMissing === true) : result.hotKeys
  const sorted =
    view.by === 'rate'
      ? listed
      : listed
          .filter(({ bytesPerSec }) => bytesPerSec !== null && bytesPerSec > 0)
          .toSorted((one, other) => (other.bytesPerSec ?? 0) - (one.bytesPerSec ?? 0))
  return sorted.slice(0, view.top)
}

function keyColumns(result: LookResult, view: LookView, rows: CacheHotKey[]): Column<CacheHotKey>[] {
  const isOne = new Set(result.nodes.map(({ cacheId }) => cacheId)).size <= 1
  const hasRates = rows.some(({ opsPerSec }) => opsPerSec !== null) || rows.length === 0
  const rate: Column<CacheHotKey>[] = hasRates
    ? [
        { title: 'uses/s', spare: 0, text: (row) => countText(row.opsPerSec) },
        { title: 'reads/s', spare: 4, text: (row) => countText(row.readsPerSec) },
        { title: 'writes/s', spare: 4, text: (row) => countText(row.writesPerSec) },
      ]
    : []
  const bytes: Column<CacheHotKey>[] =
    view.by === 'bytes'
      ? [
          { title: 'size', spare: 0, text: (row) => bytesText(row.sizeBytes) },
          { title: 'bytes/s', spare: 0, text: (row) => bytesText(row.bytesPerSec) },
        ]
      : []
  return [
    { title: '#', spare: 3, text: (_row, index) => String(index + 1) },
    {
      title: 'key',
      spare: 0,
      isKey: true,
      text: (row) => (row.db === 0 ? row.key : `${row.key} (db ${row.db})`),
    },
    ...bytes,
    { title: 'share', spare: 0, text: figureText },
    ...rate,
    {
      title: 'shard',
      spare: 2,
      text: (row) => `${isOne ? '' : `${row.cacheId}/`}${row.shardId}${row.nodeIds.length > 1 ? '+' : ''}`,
    },
    { title: 'type', spare: 1, text: (row) => typeText(row) },
    { title: 'by', spare: 5, text: (row) => row.topCommand ?? row.source },
  ]
}

function typeText(row: CacheHotKey): string {
  if (row.isMissing) return 'missing'
  return row.source === 'watch' ? 'item' : (keyTypeOf(row.topCommand) ?? '–')
}

/** What its source can say of how hot it is. */
function figureText(row: CacheHotKey): string {
  if (row.share !== null) return shareText(row.share, row.shareLow, row.shareHigh)
  if (row.cpuShare !== null) return `${percentText(row.cpuShare)} of CPU`
  return row.lfuCounter === null ? '–' : `LFU ${row.lfuCounter}`
}

function patternColumns(result: LookResult): Column<HotPattern>[] {
  const isOne = new Set(result.nodes.map(({ cacheId }) => cacheId)).size <= 1
  const cache: Column<HotPattern> = { title: 'cache', spare: 2, text: (row) => row.cacheId }
  return [
    { title: 'pattern', spare: 0, isKey: true, text: (row) => row.pattern ?? '(other)' },
    { title: 'share', spare: 0, text: (row) => shareText(row.share, row.shareLow, row.shareHigh) },
    { title: 'uses/s', spare: 0, text: (row) => countText(row.opsPerSec) },
    { title: 'reads/s', spare: 4, text: (row) => countText(row.readsPerSec) },
    { title: 'writes/s', spare: 4, text: (row) => countText(row.writesPerSec) },
    { title: 'keys seen', spare: 1, text: (row) => countText(row.keysSeen) },
    { title: 'nodes', spare: 3, text: (row) => String(row.nodeIds.length) },
    ...(isOne ? [] : [cache]),
  ]
}

/** The titles and a line for each row; columns two cells apart. */
function tableOf<Row>(rows: readonly Row[], columns: Column<Row>[], width: number | null): string[] {
  const cells = columns.map(({ title, text }) => [title, ...rows.map(text)])
  const widths = cells.map((column) => Math.max(...column.map(cellsOf)))
  const isShown = columns.map(() => true)
  const key = columns.findIndex((column) => column.isKey)
  const rest = () => widths.reduce((sum, one, at) => sum + (at !== key && isShown[at] ? one + 2 : 0), 0)
  for (let spare = 5; width !== null && spare > 0 && width - rest() < MIN_KEY_CELLS; spare--) {
    columns.forEach((column, at) => {
      if (column.spare === spare) isShown[at] = false
    })
  }
  const room = width === null ? MAX_KEY_CELLS : Math.max(1, width - rest())
  widths[key] = Math.min(widths[key] ?? 0, room, MAX_KEY_CELLS)
  return (cells[key] ?? []).map((_, line) => {
    const shown = columns.flatMap((column, at) => {
      const [text, cellsWide] = [cells[at]?.[line] ?? '', widths[at] ?? 0]
      if (!isShown[at]) return []
      return [column.isKey ? padEnd(cutMiddle(text, cellsWide), cellsWide) : padStart(text, cellsWide)]
    })
    const whole = shown.join('  ').trimEnd()
    return width === null ? whole : cutEnd(whole, width)
  })
}
