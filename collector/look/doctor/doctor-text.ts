/** Doctor's report as lines of text: nodes that are alike are told once. Pure. */
import { cellsOf, countText, padEnd, padStart, percentText } from '../cells.ts'
import type { Check } from './checks.ts'
import type { AclLines, DoctorLimits, DoctorNode, DoctorReport } from './report.ts'

type View = { color: boolean }
const CODES = { ok: 32, degraded: 33, refused: 31 } as const

export function doctorLines(report: DoctorReport, limits: DoctorLimits, { color }: View): string[] {
  const { nodes, acl, sent } = report
  const groups = [...Map.groupBy(nodes, ({ checks }) => JSON.stringify(checks)).values()]
  const mark = (state: Check['state']) => {
    const text = state.padEnd(8)
    return color ? `\x1b[${CODES[state]}m${text}\x1b[39m` : text
  }
  const dim = (text: string) => (color ? `\x1b[2m${text}\x1b[22m` : text)
  return [
    ...nodeTable(nodes).map((line, at) => (at === 0 ? dim(line) : line)),
    '',
    ...groups.flatMap((group) => [
      ...(groups.length > 1 ? [`${group.map(({ address }) => address).join(', ')}:`] : []),
      ...(group[0]?.checks ?? []).flatMap((check) => checkLines(check, mark)),
      '',
    ]),
    ...predictionLines(nodes, limits),
    ...aclLines(acl),
    `Sent: ${sentText(sent)}; no MONITOR, and nothing that counts as a hit or a miss.`,
  ]
}

function checkLines({ name, state, text, hint }: Check, mark: (state: Check['state']) => string): string[] {
  const line = `${mark(state)}  ${name.padEnd(20)} ${text}`
  return hint === null ? [line] : [line, `${' '.repeat(31)}→ ${hint}`]
}

function nodeTable(nodes: readonly DoctorNode[]): string[] {
  const rows = nodes.map(({ address, engine, version, role, pingMs, opsPerSec, prediction }) => [
    address,
    `${engine ?? '–'} ${version ?? ''}`.trim(),
    role ?? '–',
    pingMs === null ? '–' : `${pingMs.toFixed(1)} ms`,
    countText(opsPerSec),
    prediction === null ? '–' : `${Math.round(prediction.windowMs)} ms`,
    prediction === null ? '–' : `${(prediction.everyMs / 1_000).toFixed(1)} s`,
    percentText(prediction?.cpuShare ?? null),
    prediction === null ? '–' : `≤ ${prediction.latencyMs.toFixed(1)} ms`,
  ])
  const titles = ['node', 'server', 'role', 'ping', 'commands/s', 'window', 'every', 'CPU', 'latency']
  const lines = [titles, ...rows]
  const widths = titles.map((_, at) => Math.max(...lines.map((line) => cellsOf(line[at] ?? ''))))
  return lines.map((line) =>
    line
      .map((cell, at) => (at < 3 ? padEnd(cell, widths[at] ?? 0) : padStart(cell, widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

function predictionLines(nodes: readonly DoctorNode[], { budget, maxLatencyMs }: DoctorLimits): string[] {
  if (nodes.every(({ prediction }) => prediction === null)) return []
  const most = Math.max(...nodes.map(({ prediction }) => prediction?.cpuShare ?? 0))
  const waits = Math.max(...nodes.map(({ prediction }) => prediction?.latencyMs ?? 0))
  const text = `${percentText(Math.min(most, budget))} of a node's CPU (budget ${percentText(budget)}); a client waits ${waits.toFixed(1)} ms longer at most (bound ${maxLatencyMs} ms).`
  return [`Predicted cost of watching hot keys: ${text}`, '']
}

function aclLines(acl: DoctorReport['acl']): string[] {
  const isOne = acl.length <= 1
  const lacking = acl.filter(({ refused, unknown, ownUserOnly }) => refused ?? unknown ?? ownUserOnly[0])
  // Where something is to be granted, what could also be done elsewhere is no news.
  return (lacking.length === 0 ? acl.slice(0, 1) : lacking).flatMap((one) => linesOfUser(one, isOne))
}

function linesOfUser({ addresses, user, refused, unknown, whole, ownUserOnly }: AclLines, isOne: boolean) {
  const where = isOne ? 'every node' : addresses.join(', ')
  const lines: string[] = []
  if (refused !== null) {
    const what = `To lift what is refused to ${user}`
    lines.push(`${what}, in redis-cli as an administrator, on ${where}:`, '', `  ${refused}`, '')
  }
  if (unknown !== null) {
    const what = `Should what could not be told turn out to be missing to ${user}`
    lines.push(isOne ? `${what}:` : `${what} on ${where}:`, '', `  ${unknown}`, '')
  }
  if (whole === null) return lines
  if (ownUserOnly.length > 0) {
    const names = ownUserOnly.map((name) => `+${name}`).join(' ')
    const why = `${names} would need ~*, which before Redis 7 opens every key to all other commands of ${user}`
    lines.push(`${why}. Give it to a user of its own, on ${where}:`, '', `  ${whole}`, '')
  } else if (refused === null) {
    lines.push('A user of its own, which can read no key, needs no more than this:', '', `  ${whole}`, '')
  }
  return lines
}

const sentText = (sent: Record<string, number>): string =>
  Object.entries(sent)
    .map(([name, times]) => `${times} ${shownName(name)}`)
    .join(', ')

/** A Memcached's commands are written small; its `watch` is of nothing, and refused. */
function shownName(name: string): string {
  if (name === 'stats') return name
  return name === 'watch' ? 'watch (of nothing)' : name.toUpperCase().replace('|', ' ')
}
