/** CLIENT LIST: a line a connection, `name=value` apart by spaces. What newer servers tell is absent on older ones. */

export type ClientLine = ReadonlyMap<string, string>

export function parseClientList(text: string): ClientLine[] {
  return text
    .split('\n')
    .filter((line) => line.includes('id='))
    .map(
      (line) =>
        new Map(
          line
            .trim()
            .split(' ')
            .map((pair) => {
              const equals = pair.indexOf('=')
              return [pair.slice(0, equals), pair.slice(equals + 1)] as const
            }),
        ),
    )
}

/** Of connections together, each over its own life; null where one of them is not told (before Redis 8, Valkey 8). */
export function opsPerSecOf(clients: readonly ClientLine[]): number | null {
  return sumOf(clients, (client) => {
    const commands = numberOf(client, 'tot-cmds')
    return commands === null ? null : commands / Math.max(1, numberOf(client, 'age') ?? 1)
  })
}

/** What the server holds for replies to them. */
export function outputBytesOf(clients: readonly ClientLine[]): number | null {
  return sumOf(clients, (client) => numberOf(client, 'omem'))
}

export function numberOf(client: ClientLine, name: string): number | null {
  const value = Number(client.get(name) ?? Number.NaN)
  return Number.isFinite(value) ? value : null
}

/** Of what Sentinels open to the nodes that they watch: `sentinel-1f2e3d4c-cmd`, and `-pubsub`. */
export function isSentinelName(name: string): boolean {
  return name.startsWith('sentinel-')
}

function sumOf(clients: readonly ClientLine[], of: (client: ClientLine) => number | null): number | null {
  return clients.map(of).reduce((sum, one) => (sum === null || one === null ? null : sum + one), 0)
}
