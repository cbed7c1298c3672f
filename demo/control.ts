/** How `demo:fault` reaches the running demo: one request and one answer as JSON lines over a Unix socket of the user's own. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { dirname, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { FAULTS } from './fault-names.ts'

export const FaultRequest = z.object({ fault: z.enum(FAULTS), node: z.string().nullable() })
export type FaultRequest = z.infer<typeof FaultRequest>

const FaultAnswer = z.object({ ok: z.boolean(), message: z.string() })
export type FaultAnswer = z.infer<typeof FaultAnswer>

/** A socket's path may have some 100 characters only: from the working directory it is short. */
const shortest = (path: string): string => {
  const fromHere = relative(process.cwd(), path)
  return fromHere.length < path.length ? fromHere : path
}

/** @returns closes it */
export async function serveFaults(
  path: string,
  apply: (request: FaultRequest) => Promise<FaultAnswer>,
): Promise<() => Promise<void>> {
  mkdirSync(dirname(path), { recursive: true })
  rmSync(path, { force: true })
  const server = createServer((socket) => {
    socket.on('error', () => {})
    createInterface(socket)
      .on('error', () => {})
      .once('line', (line) => {
        void answer(line, apply).then((reply) => socket.end(`${JSON.stringify(reply)}\n`))
      })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(shortest(path), resolve)
  })
  chmodSync(path, 0o600)
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve())
      rmSync(path, { force: true })
    })
}

async function answer(
  line: string,
  apply: (request: FaultRequest) => Promise<FaultAnswer>,
): Promise<FaultAnswer> {
  try {
    return await apply(FaultRequest.parse(JSON.parse(line)))
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) }
  }
}

/** @returns null when no demo listens there */
export function requestFault(path: string, request: FaultRequest): Promise<FaultAnswer | null> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(shortest(path))
    socket.once('connect', () => socket.write(`${JSON.stringify(request)}\n`))
    socket.once('error', () => resolve(null))
    createInterface(socket)
      .on('error', () => resolve(null))
      .once('line', (line) => {
        try {
          resolve(FaultAnswer.parse(JSON.parse(line)))
        } catch (error) {
          reject(error)
        }
      })
      .once('close', () => resolve(null))
    socket.setTimeout(30_000, () => socket.destroy())
  })
}
