/** A ladder of sources on a real or a scripted server, with the facts that a collector would bring. */
import { NodeConnection } from '../../collector/connection/node-connection.ts'
import { createHotKeyLadder } from '../../collector/hot-keys/ladder.ts'
import type {
  CreateHotKeySource,
  HotKeySourceOptions,
  NodeFacts,
} from '../../collector/hot-keys/source-types.ts'
import { parseInfo } from '../../collector/sources/info.ts'
import { parseCommandTable } from '../../core/hot-keys/command-keys.ts'

export type WatchedLadder = Awaited<ReturnType<typeof watchLadder>>

/** @param fixed facts that the server is not asked for */
export async function watchLadder(
  server: { host: string; port: number },
  fixed: Partial<NodeFacts> = {},
  user: { username: string; password: string } | null = null,
  createMain?: CreateHotKeySource,
  more: Partial<HotKeySourceOptions> = {},
) {
  const place = { host: server.host, port: server.port, address: `${server.host}:${server.port}` }
  const credentials = { username: user?.username ?? null, password: user?.password ?? null, tls: null }
  const commands = new NodeConnection(place, credentials)
  await commands.open()
  let news = 0
  const logs: { fields: object; message: string }[] = []
  const log = (fields: object, message: string) => logs.push({ fields, message })
  const facts = { ...(await readFacts(commands)), ...fixed }
  const options: HotKeySourceOptions = {
    connection: { host: server.host, port: server.port, ...credentials },
    commands,
    loadCommandTable: async () => parseCommandTable(await commands.callBuffer('COMMAND')),
    nodeFacts: () => facts,
    budget: 0.01,
    maxLatencyMs: 20,
    onNews: () => {
      news++
    },
    logger: { debug: log, info: log, warn: log },
    ...more,
  }
  const ladder = createHotKeyLadder(options, createMain)
  return {
    ladder,
    commands,
    facts,
    logs,
    news: () => news,
    /** State and reason of one source. */
    rung: (source: string) => ladder.watching.sources.find((one) => one.source === source),
    async stop() {
      await ladder.stop()
      commands.close()
    },
  }
}

async function readFacts(commands: NodeConnection): Promise<NodeFacts> {
  const info = parseInfo(String(await commands.call('INFO', 'everything')))
  return {
    opsPerSec: 1_000,
    siblingOpsPerSec: null,
    cpuShare: null,
    inputBytesPerCommand: 50,
    usedMemoryBytes: null,
    maxMemoryBytes: null,
    maxMemoryPolicy: info.fields.get('maxmemory_policy') ?? null,
    rssBytes: null,
    systemMemoryBytes: null,
    role: info.role,
    engine: info.engine,
    version: info.version,
    clusterEnabled: info.fields.get('cluster_enabled') === '1',
    runId: info.runId,
    loading: false,
    failoverInProgress: false,
    primaryAddress: null,
    primaryLinkUp: null,
    replicationLagSeconds: null,
    ownAddresses: commands.ownAddress === null ? [] : [commands.ownAddress],
    callsPerCommand: new Map(),
  }
}
