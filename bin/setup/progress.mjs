/** Progress of a step: nothing when it takes less than a second, one updating line on a terminal, plain lines elsewhere. */

const SHOW_AFTER_MS = 1_000
const PLAIN_EVERY_MS = 15_000

/** @param {number} ms */
export function formatSeconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`
}

/**
 * Runs a step and shows that it runs, on stderr.
 * @template T
 * @param {string} title what is being done, a few words
 * @param {(note: (text: string) => void) => Promise<T>} step `note` shows a detail behind the title
 * @returns {Promise<T>}
 */
export async function withProgress(title, step, stream = process.stderr) {
  const from = Date.now()
  let detail = ''
  let shown = false
  let plainAt = from
  const line = () => `${title} … ${Math.floor((Date.now() - from) / 1000)} s${detail ? `  ${detail}` : ''}`
  const clear = () => stream.isTTY && shown && stream.write('\r\x1b[2K')
  const timer = setInterval(() => {
    const now = Date.now()
    if (now - from < SHOW_AFTER_MS) return
    if (stream.isTTY) stream.write(`\r\x1b[2K${line().slice(0, (stream.columns ?? 80) - 1)}`)
    else if (!shown) stream.write(`${title} …\n`)
    else if (now - plainAt >= PLAIN_EVERY_MS) stream.write(`${line()}\n`)
    else return
    if (!shown || now - plainAt >= PLAIN_EVERY_MS) plainAt = now
    shown = true
  }, 250)
  try {
    const result = await step((text) => {
      detail = text
    })
    clear()
    if (shown) stream.write(`${title}: done in ${formatSeconds(Date.now() - from)}\n`)
    return result
  } catch (error) {
    clear()
    stream.write(`${title}: failed after ${formatSeconds(Date.now() - from)}\n`)
    throw error
  } finally {
    clearInterval(timer)
  }
}
