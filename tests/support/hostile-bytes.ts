/** Names of keys that break what splits, quotes, decodes or cuts. */
export const HOSTILE_BYTES: readonly Buffer[] = [
  Buffer.from(''),
  Buffer.from(' '),
  Buffer.from('a key with  spaces '),
  Buffer.from('a b "c" \\d'),
  Buffer.from('\0nul\0'),
  Buffer.from('line\r\nbreak\n'),
  Buffer.from('\t\x07\x08\x1b\x7f'),
  Buffer.from([0xff, 0xfe, 0x80, 0xc3]),
  Buffer.from('ключ 🔑'),
  Buffer.from('\\x41\\"'),
  Buffer.from('"] [0 lua] "GET" "x'),
  Buffer.from(`<img src=x onerror="alert(1)">'; DROP TABLE key; --`),
  Buffer.from('../?#%2F%00&=+'),
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  Buffer.alloc(10 * 1024, 0xff),
  Buffer.from('k'.repeat(5 * 1024)),
]
