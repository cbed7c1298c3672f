/** Which of the patterns that are hot a key has: `*` stands for one run of any characters. */

/**
 * @param key and `patterns` as formatKey writes them
 * @returns the pattern that says most of the key; null where none fits
 */
export function patternOf(key: string, patterns: readonly (string | null)[]): string | null {
  let best: string | null = null
  for (const pattern of patterns) {
    if (pattern === null || !fits(key, pattern)) continue
    if (best === null || literals(pattern) > literals(best)) best = pattern
  }
  return best
}

function literals(pattern: string): number {
  return pattern.replaceAll('*', '').length
}

/** Each part at its first place: what is between parts may be anything, so no later place could fit better. */
function fits(key: string, pattern: string): boolean {
  const parts = pattern.split('*')
  const first = parts[0] ?? ''
  const last = parts.at(-1) ?? ''
  if (parts.length === 1) return key === pattern
  if (!key.startsWith(first) || !key.endsWith(last) || key.length < first.length + last.length) return false
  const end = key.length - last.length
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = key.indexOf(part, at)
    if (found === -1 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
