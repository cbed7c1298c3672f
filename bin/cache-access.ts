/** How a command reaches the caches of its URLs: passwords that are not in them, and whom to trust. */
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { ConnectionOptions } from 'node:tls'
import { certificateProblem } from '../collector/certificate-file.ts'
import { CommandError, EXIT } from './exit-codes.ts'

export type AccessOptions = {
  passwordStdin: boolean
  ca?: string
  insecure: boolean
  /** Share of each node's time. */
  budget: number
  /** Milliseconds. */
  maxLatency: number
  json: boolean
}

/** @returns null where none is given. @throws CommandError */
export async function readPassword(options: AccessOptions, env: NodeJS.ProcessEnv): Promise<string | null> {
  if (!options.passwordStdin) return env.CACHESCOPE_PASSWORD || null
  if (process.stdin.isTTY) {
    throw new CommandError(
      EXIT.badInput,
      '--password-stdin reads a pipe: `pass show cache | cachescope …`. Or set CACHESCOPE_PASSWORD.',
    )
  }
  for await (const line of createInterface({ input: process.stdin })) {
    if (line !== '') return line
    break
  }
  throw new CommandError(
    EXIT.badInput,
    '--password-stdin found no password: the first line of standard input is empty.',
  )
}

/** @throws CommandError */
export async function readTls({ ca, insecure }: AccessOptions): Promise<ConnectionOptions> {
  if (ca !== undefined && insecure) {
    throw new CommandError(EXIT.badInput, '--insecure accepts any certificate: leave it or --ca out.')
  }
  if (ca === undefined) return { rejectUnauthorized: !insecure }
  const problem = certificateProblem(ca)
  if (problem !== null) throw new CommandError(EXIT.badInput, `--ca ${problem}.`)
  return { rejectUnauthorized: true, ca: await readFile(ca) }
}
