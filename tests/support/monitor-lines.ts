/** MONITOR's lines as a server writes them, and a sink that keeps what a parser counts. */
import type { LineSink } from '../../collector/monitor/parser-types.ts'

const NAMED: Record<number, string> = {
  92: '\\\\',
  34: '\\"',
  10: '\\n',
  13: '\\r',
  9: '\\t',
  7: '\\a',
  8: '\\b',
}

function quote(argument: Uint8Array): string {
  let text = '"'
  for (const byte of argument) {
    if (NAMED[byte] !== undefined) text += NAMED[byte]
    else if (byte >= 32 && byte < 127) text += String.fromCharCode(byte)
    else text += `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return `${text}"`
}

export function monitorLine(
  words: readonly (string | Uint8Array)[],
  options: { db?: number; address?: string } = {},
): string {
  const { db = 0, address = '10.0.0.9:50123' } = options
  const quoted = words.map((word) => quote(typeof word === 'string' ? Buffer.from(word) : word))
  return `+1700000000.123456 [${db} ${address}] ${quoted.join(' ')}\r\n`
}

export type CountedKey = { key: string; db: number; commandId: number; write: boolean }

/** Keys as latin1 text, one list for every command. */
export class CollectingSink implements LineSink {
  commands: CountedKey[][] = []
  others = 0

  countCommand(): void {
    this.commands.push([])
  }

  countOther(): void {
    this.others++
  }

  countKey(
    bytes: Uint8Array,
    start: number,
    end: number,
    db: number,
    commandId: number,
    write: boolean,
  ): void {
    const key = Buffer.from(bytes.subarray(start, end)).toString('latin1')
    this.commands.at(-1)?.push({ key, db, commandId, write })
  }
}
