/** A real Sentinel that watches one deployment, on a free port, gone when the test process is. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Engine, serverOf } from './engines.ts'
import { freePort } from './free-port.ts'
import { type RedisProcess, runCommand, until } from './redis.ts'

export type SentinelProcess = {
  readonly port: number
  readonly url: string
  readonly address: string
  command(...args: (string | number)[]): Promise<unknown>
  stop(): Promise<void>
}

const children = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** Resolves when it knows the primary and all its replicas, and could promote each of them. Its quorum is itself. */
export async function startSentinel(
  masterName: string,
  primary: RedisProcess,
  options: { replicas: number; engine?: Engine; password?: string; lines?: string[] },
): Promise<SentinelProcess> {
  const port = await freePort()
  const directory = await mkdtemp(join(tmpdir(), 'cachescope-sentinel-'))
  const file = join(directory, 'sentinel.conf')
  await writeFile(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${directory}`,
      `sentinel monitor ${masterName} ${primary.host} ${primary.port} 1`,
      `sentinel down-after-milliseconds ${masterName} 1000`,
      `sentinel failover-timeout ${masterName} 3000`,
      ...(options.password ? [`requirepass ${options.password}`] : []),
      ...(options.lines ?? []),
      '',
    ].join('\n'),
  )
  const server = serverOf(options.engine ?? 'installed')
  const child = spawn(server.program, [...server.args, file, '--sentinel'], { stdio: 'ignore' })
  children.add(child)
  child.once('exit', () => children.delete(child))
  const command = (...args: (string | number)[]) =>
    runCommand({ port, password: options.password, disableClientInfo: true }, args)
  await until('the Sentinel knows the deployment', async () => {
    const fields = (await command('SENTINEL', 'MASTER', masterName)) as string[]
    const value = (name: string) => fields[fields.indexOf(name) + 1]
    if (value('num-slaves') !== String(options.replicas) || value('flags') !== 'master') return false
    // It promotes none that it has no connection to, or has heard nothing of yet.
    const replicas = (await command('SENTINEL', 'REPLICAS', masterName)) as string[][]
    const has = (replica: string[], name: string) => replica[replica.indexOf(name) + 1]
    return replicas.every(
      (replica) => has(replica, 'flags') === 'slave' && has(replica, 'master-link-status') === 'ok',
    )
  })
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    address: `127.0.0.1:${port}`,
    command,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGKILL')
        await gone
      }
      await rm(directory, { recursive: true, force: true })
    },
  }
}
