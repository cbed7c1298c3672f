/** One plain connection, for what is not a page or a tick: set-up, tests, benchmarks. */
import pg from 'pg'

/** @throws the driver's error, with its SQLSTATE or system code in `code` */
export async function connect(databaseUrl: string, timeoutMs = 3_000): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: timeoutMs })
  // A connection that breaks while idle reports it with the next query.
  client.on('error', () => {})
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
}
