/**
 * Progress of steps, on stderr: nothing about one that takes less than a second; on a terminal one line that is updated,
 * whichever steps run at once; elsewhere a plain line at the start, now and then, and at the end.
 */

const SHOW_AFTER_MS = 1_000
const PLAIN_EVERY_MS = 15_000
const REFRESH_MS = 250

const stream = process.stderr
/** @type {Set<{ title: string, detail: string, from: number, saidAt: number | null }>} */
const steps = new Set()
let timer = null
let lineShown = false

/** @param {number} ms */
export function formatSeconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`
}

/**
 * Runs a step and shows that it runs.
 * @template T
 * @param {string} title what is being done, a few words
 * @param {(note: (text: string) => void) => Promise<T>} run `note` shows a detail behind the title
 * @returns {Promise<T>}
 */
export async function withProgress(title, run) {
  const step = { title, detail: '', from: Date.now(), saidAt: null }
  steps.add(step)
  timer ??= setInterval(refresh, REFRESH_MS)
  let outcome = 'failed after'
  try {
    const result = await run((text) => {
      step.detail = text
    })
    outcome = 'done in'
    return result
  } finally {
    steps.delete(step)
    if (steps.size === 0) {
      clearInterval(timer)
      timer = null
    }
    if (step.saidAt !== null) say(`${title}: ${outcome} ${formatSeconds(Date.now() - step.from)}`)
  }
}

/** Prints a whole line, above the one that is being updated. */
export function say(text) {
  if (lineShown) stream.write('\r\x1b[2K')
  lineShown = false
  stream.write(`${text}\n`)
}

function refresh() {
  const now = Date.now()
  const slow = [...steps].filter((step) => now - step.from >= SHOW_AFTER_MS)
  if (slow.length === 0) return
  if (stream.isTTY) {
    const text = slow.map((step) => describeStep(step, now)).join('  |  ')
    stream.write(`\r\x1b[2K${text.slice(0, (stream.columns ?? 80) - 1)}`)
    lineShown = true
    for (const step of slow) step.saidAt = now
    return
  }
  for (const step of slow) {
    if (step.saidAt !== null && now - step.saidAt < PLAIN_EVERY_MS) continue
    say(step.saidAt === null ? `${step.title} …` : describeStep(step, now))
    step.saidAt = now
  }
}

function describeStep(step, now) {
  const seconds = Math.floor((now - step.from) / 1000)
  return `${step.title} … ${seconds} s${step.detail ? `  ${step.detail}` : ''}`
}
