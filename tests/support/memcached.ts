/** Real memcacheds for the tests: each on a free port, gone when the test process is. */
import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { freePort } from './free-port.ts'
import { until } from './redis.ts'

export type MemcachedProcess = {
  readonly host: string
  readonly port: number
  readonly pid: number
  readonly address: string
  /** SIGKILL and SIGTERM resolve when the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Starts it again on the same port after a kill. */
  restart(): Promise<void>
  /** Text-protocol requests on a connection of its own, as written; what came back until `until` matches. */
  send(request: string | Buffer, until?: RegExp): Promise<string>
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
const children = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** @param args more options of the command line: `['-o', 'watcher_logbuf_size=8192']` */
export async function startMemcached(args: string[] = []): Promise<MemcachedProcess> {
  const port = await freePort()
  const as = process.getuid?.() === 0 ? ['-u', userInfo().username] : []
  const launch = async () => {
    const options = ['-p', String(port), '-U', '0', '-l', HOST, '-m', '64', ...as, ...args]
    const child = spawn('memcached', options, { stdio: 'ignore' })
    children.add(child)
    child.once('exit', () => children.delete(child))
    child.once('error', () => children.delete(child))
    await until(`memcached on ${port}`, () => child.exitCode !== null || listens(port))
    if (child.exitCode !== null) throw new Error(`memcached on ${port} exited with ${child.exitCode}`)
    return child
  }
  let child = await launch()
  const kill = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await exit
  }
  return {
    host: HOST,
    port,
    get pid() {
      return child.pid ?? -1
    },
    address: `${HOST}:${port}`,
    kill,
    async restart() {
      await kill('SIGKILL')
      child = await launch()
    },
    send: (request, pattern = /\r\n$/) => send(port, request, pattern),
    async stop() {
      child.kill('SIGCONT')
      await kill('SIGKILL')
    },
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function send(port: number, request: string | Buffer, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, HOST, () => socket.write(request))
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      if (!pattern.test(answer)) return
      socket.destroy()
      resolve(answer)
    })
    socket.once('error', reject)
    socket.setTimeout(30_000, () => socket.destroy(new Error(`no answer that matches ${pattern}`)))
  })
}
