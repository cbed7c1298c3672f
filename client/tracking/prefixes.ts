/** The fewest prefixes that cover every key: the server refuses two of which one begins with the other. */
export function minimalPrefixes(keys: Buffer[]): Buffer[] {
  const kept: Buffer[] = []
  for (const key of keys.toSorted(Buffer.compare)) {
    const last = kept.at(-1)
    if (last === undefined || !startsWith(key, last)) kept.push(key)
  }
  return kept
}

export const startsWith = (key: Buffer, prefix: Buffer): boolean =>
  key.length >= prefix.length && key.subarray(0, prefix.length).equals(prefix)
