/** Both engines and an exact count, on ten million generated lines, cut anywhere. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ParserSession, StreamEngine } from '../../../collector/monitor/parser-types.ts'
import { createEngine, ENGINE_KINDS, ENGINE_SESSION } from '../../support/engine-commands.ts'
import { type GeneratedLine, OWN_ADDRESSES, PRIMARY_ADDRESS, streamLine } from '../../support/stream-lines.ts'
import {
  countLines,
  drawStream,
  findFault,
  type Random,
  randomFrom,
  type Stream,
} from '../../support/stream-truth.ts'

const NOW = 1_700_000_000_123
const LINES = 10_000_000
const LINES_A_RUN = 25_000
const LINES_A_POOL = 400
const MAX_SLICES = 3
const ALL_KEYS = 100_000

function session(replica: boolean): ParserSession {
  return { ...ENGINE_SESSION, ownAddresses: OWN_ADDRESSES, primaryAddress: PRIMARY_ADDRESS, replica }
}

/** In pieces of 1 byte to `longest`, short ones as often as long ones; every other lies where a socket would put it. */
function feedInPieces(
  engine: StreamEngine,
  { bytes, slices }: Stream,
  longest: number,
  random: Random,
): void {
  let from = 0
  for (const { end, now } of slices) {
    while (from < end) {
      const to = Math.min(end, from + Math.floor(longest ** random()))
      const piece = bytes.subarray(from, to)
      if (piece.length > engine.input.length || random() < 0.5) engine.feed(piece, now)
      else {
        const at = Math.floor(random() * (engine.input.length - piece.length))
        engine.input.set(piece, at)
        engine.feed(engine.input.subarray(at, at + piece.length), now)
      }
      from = to
    }
  }
}

function read(engine: StreamEngine, stream: Stream, replica: boolean, longest: number, random: Random) {
  engine.begin(session(replica))
  feedInPieces(engine, stream, longest, random)
  engine.end()
  const window = engine.merge(stream.slices.at(-1)?.now ?? NOW, ALL_KEYS)
  return { window, counts: { ...engine.counts }, unknownNames: engine.unknownNames }
}

/** Throws where the engines differ from each other or from the truth. */
function compare(
  lines: readonly GeneratedLine[],
  count: number,
  replica: boolean,
  longest: number,
  seed: number,
): void {
  const random = randomFrom(seed)
  const stream = drawStream(lines, count, NOW, 1 + Math.floor(random() * MAX_SLICES), random)
  const engines = ENGINE_KINDS.map((kind) => createEngine(kind, seed))
  try {
    const [wasm, typescript] = engines.map((engine) => read(engine, stream, replica, longest, random))
    // Quick where they are equal; `expect` tells where they are not.
    if (!isDeepStrictEqual(wasm, typescript)) expect(wasm).toEqual(typescript)
    expect(wasm?.counts).toEqual({
      ...countLines(stream),
      bytes: stream.bytes.length,
      truncated: 0,
      droppedKeys: 0,
    })
    expect(findFault(stream, wasm?.window ?? null)).toBeNull()
  } finally {
    for (const engine of engines) engine.close()
  }
}

/** @param isFull any number of lines up to the most, which fast-check by itself rarely comes near */
const pool = (maxLength: number, longestWord: number, isFull = false) =>
  fc.boolean().chain((replica) =>
    fc.record({
      replica: fc.constant(replica),
      lines: fc.array(streamLine(replica, longestWord), {
        minLength: 1,
        maxLength,
        size: isFull ? 'max' : 'small',
      }),
      seed: fc.integer(),
    }),
  )

test('a few lines, in very small pieces', { timeout: 300_000 }, () => {
  fc.assert(
    fc.property(pool(6, 3_000), fc.constantFrom(1, 4, 40, 4_000), ({ lines, replica, seed }, longest) =>
      compare(lines, 12, replica, longest, seed),
    ),
    { numRuns: 1_000, endOnFailure: true },
  )
})

test('what is between the lines, and any byte of them changed', { timeout: 300_000 }, () => {
  const change = fc.record({
    at: fc.nat(),
    byte: fc.oneof(fc.nat(255), fc.constantFrom(10, 13, 32, 34, 43, 91, 92, 93, 120)),
  })
  fc.assert(
    fc.property(pool(4, 300), fc.array(change, { maxLength: 4 }), ({ lines, replica, seed }, changes) => {
      const random = randomFrom(seed)
      const stream = drawStream(lines, 6, NOW, 1, random)
      for (const { at, byte } of changes) stream.bytes[at % stream.bytes.length] = byte
      const engines = ENGINE_KINDS.map((kind) => createEngine(kind, seed))
      const [wasm, typescript] = engines.map((engine) => read(engine, stream, replica, 300, random))
      for (const engine of engines) engine.close()
      if (!isDeepStrictEqual(wasm, typescript)) expect(wasm).toEqual(typescript)
    }),
    { numRuns: 4_000, endOnFailure: true },
  )
})

test('ten million lines', { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(
      pool(LINES_A_POOL, 60, true),
      fc.constantFrom(2_000, 30_000, 500_000),
      ({ lines, replica, seed }, longest) => compare(lines, LINES_A_RUN, replica, longest, seed),
    ),
    { numRuns: LINES / LINES_A_RUN, endOnFailure: true },
  )
})
