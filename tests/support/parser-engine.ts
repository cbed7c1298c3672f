/** A parser with a sink of the test's own, as far as a burst needs an engine. */
import type { MonitorParser } from '../../collector/monitor/parser.ts'
import type { ParserSession } from '../../collector/monitor/parser-types.ts'

const INPUT = new Uint8Array(64 * 1024)

export function engineOf(parser: MonitorParser) {
  return {
    input: INPUT,
    begin: (session: ParserSession) => parser.begin(session),
    feed: (chunk: Uint8Array) => parser.feed(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)),
    end: () => parser.end(),
    get state() {
      return parser.state
    },
    get counts() {
      return parser.counts
    },
  }
}
