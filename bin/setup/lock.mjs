/** One set-up of a clone at a time: a file that names its holder, taken over when the holder is gone. */
import { appendFileSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The start time of a process, which tells it from a later one with its pid; null when there is no such process. */
function processStartTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

const lineOf = (pid) => `${pid} ${processStartTime(pid)}\n`

/** The first of those named in the lock that is alive. */
function holderOf(text) {
  for (const line of text.trim().split('\n')) {
    const [pid, startTime] = line.split(' ')
    if (processStartTime(Number(pid)) === startTime) return Number(pid)
  }
  return null
}

/**
 * @param {string} path
 * @param {(holderPid: number) => void} onWait called while another holds it
 * @returns {Promise<{ share: (pid: number) => void, giveBack: () => void }>} `share` makes a child a holder too: the
 * work of a killed set-up may still be going on in it
 */
export async function takeLock(path, onWait) {
  mkdirSync(dirname(path), { recursive: true })
  const own = `${path}.${process.pid}`
  writeFileSync(own, lineOf(process.pid))
  try {
    for (;;) {
      try {
        linkSync(own, path)
        return {
          share: (pid) => appendFileSync(path, lineOf(pid)),
          giveBack: () => rmSync(path, { force: true }),
        }
      } catch (error) {
        if (error.code !== 'EEXIST') throw error
      }
      const text = read(path)
      if (text === null) continue
      const holder = holderOf(text)
      if (holder === null) removeStale(path, text)
      else {
        onWait(holder)
        await sleep(200)
      }
    }
  } finally {
    rmSync(own, { force: true })
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** Two may find the same stale lock: whoever moved a live one by mistake puts it back. */
function removeStale(path, text) {
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
    if (read(aside) !== text) linkSync(aside, path)
  } catch {
    // another was faster
  }
  rmSync(aside, { force: true })
}
