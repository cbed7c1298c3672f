/** A command as Redis wants it: an array of bulk strings. */
export function encodeCommand(...words: (string | Uint8Array)[]): Buffer {
  const parts = words.flatMap((word) => {
    const bytes = typeof word === 'string' ? Buffer.from(word) : word
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]
  })
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts])
}
