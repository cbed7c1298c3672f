/** The shop's own tables, the source of truth behind its cache: 50,000 articles in the schema `shop`. */
import pg from 'pg'

export const ARTICLES = 50_000

export type Origin = {
  /** The article as JSON text, null when there is none. */
  readArticle(articleId: number): Promise<string | null>
  /** The first `count` articles as one JSON text. */
  readCatalog(count: number): Promise<string>
  changePrice(articleId: number, cents: number): Promise<void>
  close(): Promise<void>
}

/** Creates and fills the tables once; later calls find them filled. */
export async function prepareOrigin(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query('BEGIN')
    await client.query('CREATE SCHEMA IF NOT EXISTS shop')
    await client.query(`CREATE TABLE IF NOT EXISTS shop.articles (
      article_id integer PRIMARY KEY,
      title text NOT NULL,
      cents integer NOT NULL,
      body text NOT NULL
    )`)
    await client.query(
      `INSERT INTO shop.articles
       SELECT id, 'Article ' || id, 500 + (id * 37) % 20000, repeat(md5(id::text) || ' ', 8 + id % 16)
       FROM generate_series(1, $1::int) AS id
       WHERE NOT EXISTS (SELECT FROM shop.articles)`,
      [ARTICLES],
    )
    await client.query('COMMIT')
    await client.query('ANALYZE shop.articles')
  } finally {
    await client.end()
  }
}

export function openOrigin(databaseUrl: string): Origin {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 3,
    connectionTimeoutMillis: 2_000,
    query_timeout: 5_000,
    application_name: 'shop',
  })
  pool.on('error', () => {})
  return {
    async readArticle(articleId) {
      const { rows } = await pool.query<{ article: string }>({
        name: 'read-article',
        text: `SELECT json_build_object('id', article_id, 'title', title, 'cents', cents, 'body', body)::text AS article
               FROM shop.articles WHERE article_id = $1`,
        values: [articleId],
      })
      return rows[0]?.article ?? null
    },
    async readCatalog(count) {
      const { rows } = await pool.query<{ catalog: string }>({
        name: 'read-catalog',
        text: `SELECT json_agg(json_build_object('id', article_id, 'title', title, 'cents', cents, 'body', body))::text AS catalog
               FROM shop.articles WHERE article_id <= $1`,
        values: [count],
      })
      return rows[0]?.catalog ?? '[]'
    },
    async changePrice(articleId, cents) {
      await pool.query({
        name: 'change-price',
        text: 'UPDATE shop.articles SET cents = $2 WHERE article_id = $1',
        values: [articleId, cents],
      })
    },
    close: () => pool.end(),
  }
}
