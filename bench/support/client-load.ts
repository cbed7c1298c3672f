/**
 * One client of ioredis, bare or wrapped, the only one of its process: what it costs is not mixed with another one's code.
 * argv: ClientLoad as JSON. Serves one slice at a time; it ends with its parent.
 */
import { once } from 'node:events'
import { Agent, createServer, get } from 'node:http'
import { Cluster, Redis } from 'ioredis'
import { cachescope } from '../../client/index.ts'

export type ClientUse = 'at once' | 'one at a time' | 'automatic pipelines' | 'pipelines' | 'MULTI'
export type ClientLoad = {
  port: number
  isCluster: boolean
  isWrapped: boolean
  /** Whether its process serves HTTP as well. */
  isServer: boolean
  use: ClientUse
  /** Commands of one go, all answered before the next one. */
  atOnce: number
}
export type ClientOrder = { ms: number }
export type ClientNews = { kind: 'ready' } | { kind: 'slice'; commands: number; cpuUs: number }

const KEY = 'k'
const VALUE = 'x'.repeat(100)

const { port, isCluster, isWrapped, isServer, use, atOnce }: ClientLoad = JSON.parse(process.argv[2] ?? '')
const enableAutoPipelining = use === 'automatic pipelines'
const bare = isCluster
  ? new Cluster([{ host: '127.0.0.1', port }], { enableAutoPipelining })
  : new Redis({ port, enableAutoPipelining })
const client = isWrapped ? cachescope(bare, { app: 'bench' }) : bare
if (isServer) await serve()
const go = use === 'pipelines' || use === 'MULTI' ? inOnePipeline : inCalls
await client.set(KEY, VALUE)
process.once('disconnect', () => process.exit())
process.on('message', (order: ClientOrder) => {
  void runSlice(order).then((news) => process.send?.(news))
})
process.send?.({ kind: 'ready' } satisfies ClientNews)

/** Is asked once a second, as an application server is: what runs beside the client is part of what its code is compiled for. */
async function serve(): Promise<void> {
  const server = createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const agent = new Agent({ keepAlive: true })
  const ask = () => get({ host: '127.0.0.1', port: address.port, agent }, (response) => response.resume())
  ask()
  setInterval(ask, 1_000)
}

async function runSlice({ ms }: ClientOrder): Promise<ClientNews> {
  const cpu = process.cpuUsage()
  const startedMs = performance.now()
  let commands = 0
  while (performance.now() - startedMs < ms) {
    await go()
    commands += atOnce
  }
  const { user, system } = process.cpuUsage(cpu)
  return { kind: 'slice', commands, cpuUs: user + system }
}

async function inCalls(): Promise<void> {
  const reads: Promise<unknown>[] = []
  for (let each = 0; each < atOnce; each++) reads.push(client.get(KEY))
  await Promise.all(reads)
}

async function inOnePipeline(): Promise<void> {
  const pipeline = use === 'MULTI' ? client.multi() : client.pipeline()
  for (let each = 0; each < atOnce; each++) pipeline.get(KEY)
  const answers = await pipeline.exec()
  if (answers?.length !== atOnce) throw new Error(`${answers?.length} answers to ${atOnce} commands`)
}
