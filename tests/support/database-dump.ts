/** Every row of every table as text: for tests that search for what must not be there. */
import type { Store } from '../../store/client.ts'

export async function dumpDatabase(store: Store): Promise<{ text: string; tables: number }> {
  const { rows: tables } = await store.pool.query<{ name: string }>(
    `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
  )
  const texts: string[] = []
  for (const { name } of tables) {
    const { rows } = await store.pool.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`)
    texts.push(...rows.map(({ row }) => row))
  }
  return { text: texts.join('\n'), tables: tables.length }
}
