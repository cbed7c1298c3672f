/** A detector on a real server, with the facts that a collector would bring, read once a second. */
import { Redis } from 'ioredis'
import { systemClock } from '../../collector/clock.ts'
import { CommandTables } from '../../collector/command-tables.ts'
import { NodeConnection } from '../../collector/connection/node-connection.ts'
import type { HotKeySourceOptions, NodeFacts } from '../../collector/hot-keys/source-types.ts'
import { createMonitorSource } from '../../collector/monitor/monitor-source.ts'
import { NodeReader } from '../../collector/node-reader.ts'
import type { RedisProcess } from './redis.ts'

export const UNKNOWN_FACTS: NodeFacts = {
  opsPerSec: null,
  siblingOpsPerSec: null,
  cpuShare: null,
  inputBytesPerCommand: null,
  usedMemoryBytes: null,
  maxMemoryBytes: null,
  maxMemoryPolicy: null,
  rssBytes: null,
  systemMemoryBytes: null,
  role: 'primary',
  engine: 'redis',
  version: '7.0.15',
  clusterEnabled: false,
  runId: null,
  loading: false,
  failoverInProgress: false,
  primaryAddress: null,
  primaryLinkUp: null,
  replicationLagSeconds: null,
  ownAddresses: [],
  callsPerCommand: new Map(),
}

export type LogRecord = { fields: object; message: string }

export async function watch(
  server: RedisProcess,
  options: Partial<HotKeySourceOptions> & { password?: string } = {},
) {
  const client = new Redis({ port: server.port, host: server.host, protocol: 2, password: options.password })
  client.on('error', () => {})
  const ownAddress = /addr=(\S+)/.exec(String(await client.call('CLIENT', 'INFO')))?.[1] ?? ''
  const place = { host: server.host, port: server.port, address: server.address }
  const commands = new NodeConnection(place, {
    username: null,
    password: options.password ?? null,
    tls: null,
  })
  await commands.open()
  const logs: LogRecord[] = []
  const log = (fields: object, message: string) => logs.push({ fields, message })
  const reader = new NodeReader(commands, new CommandTables(), systemClock, {
    debug: log,
    info: log,
    warn: log,
    error: log,
  })
  const facts: NodeFacts = { ...UNKNOWN_FACTS, ownAddresses: [ownAddress, commands.ownAddress ?? ''] }
  const detector = createMonitorSource({
    connection: {
      host: server.host,
      port: server.port,
      tls: null,
      username: null,
      password: options.password ?? null,
    },
    commands,
    loadCommandTable: (unknownNames) => reader.commandTable(null, unknownNames),
    nodeFacts: () => facts,
    budget: 0.01,
    maxLatencyMs: 20,
    onNews: () => {},
    logger: { debug: log, info: log, warn: log },
    ...options,
  })
  let before: { at: number; commands: number; bytes: number; ours: number } | null = null
  const readFacts = async () => {
    if (!commands.isOpen) await commands.open()
    const info = String(await client.info())
    const field = (name: string) => new RegExp(`^${name}:(.*)\r?$`, 'm').exec(info)?.[1]?.trim() ?? ''
    const reading = {
      at: performance.now(),
      commands: Number(field('total_commands_processed')),
      bytes: Number(field('total_net_input_bytes')),
      ours: detector.cost.commands + commands.cost.commands,
    }
    if (before !== null) {
      const commands = reading.commands - before.commands - 1 - (reading.ours - before.ours)
      facts.opsPerSec = Math.max(0, (commands * 1_000) / (reading.at - before.at))
      facts.inputBytesPerCommand = commands > 0 ? (reading.bytes - before.bytes) / commands : null
    }
    before = reading
    facts.runId = field('run_id')
    facts.role = field('role') === 'slave' ? 'replica' : 'primary'
    facts.primaryAddress = facts.role === 'replica' ? `${field('master_host')}:${field('master_port')}` : null
  }
  await readFacts()
  const timer = setInterval(() => void readFacts().catch(() => {}), 1_000)
  return {
    detector,
    facts,
    logs,
    client,
    async stop() {
      clearInterval(timer)
      await detector.stop()
      commands.close()
      client.disconnect()
    },
  }
}

/** How many connections of the server are in monitor mode. */
export async function countMonitors(server: RedisProcess, password?: string): Promise<number> {
  const client = new Redis({ port: server.port, host: server.host, protocol: 2, password })
  try {
    const list = String(await client.call('CLIENT', 'LIST'))
    return list.split('\n').filter((line) => / flags=\S*O/.test(line)).length
  } finally {
    client.disconnect()
  }
}
