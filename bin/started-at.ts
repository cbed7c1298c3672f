/** When this process began, its time as the shell script and the set-up included: an exec keeps a process's start time. */
import { readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100

/** Epoch milliseconds. */
export function processStartedAt(): number {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8')
    const startTicks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
    const uptimeSeconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
    const startedAt = Date.now() - (uptimeSeconds - startTicks / TICKS_PER_SECOND) * 1000
    if (Number.isFinite(startedAt)) return startedAt
  } catch {
    // no /proc here
  }
  return Date.now() - process.uptime() * 1000
}
