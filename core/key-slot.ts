/**
 * Redis Cluster's slot of a key, as the servers count it: of the bytes between the first `{` and the first `}` after
 * it, or of the whole key where there are none. The package cluster-key-slot differs for keys such as `{}{a}`.
 */
const SLOTS = 16_384
const OPEN = 0x7b
const CLOSE = 0x7d

/** CRC16 (XMODEM) of every byte. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

export function slotOf(key: Uint8Array): number {
  const open = key.indexOf(OPEN)
  const close = open === -1 ? -1 : key.indexOf(CLOSE, open + 1)
  const [from, to] = close > open + 1 ? [open + 1, close] : [0, key.length]
  let crc = 0
  for (let at = from; at < to; at++) {
    crc = ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ (key[at] ?? 0)] ?? 0)
  }
  return crc % SLOTS
}
