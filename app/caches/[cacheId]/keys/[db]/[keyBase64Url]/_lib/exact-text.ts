/**
 * A key as text that means exactly its bytes when it is pasted; null where there is no such text:
 * bytes that are not UTF-8, and NUL, which clipboards cut at.
 */
export function exactText(keyBase64: string): { text: string | null; sizeBytes: number } {
  const bytes = Buffer.from(keyBase64, 'base64')
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return { text: text.includes('\0') ? null : text, sizeBytes: bytes.length }
  } catch {
    return { text: null, sizeBytes: bytes.length }
  }
}
