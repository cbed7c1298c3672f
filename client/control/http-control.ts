/** Control over HTTP, for applications whose user may not touch the cache's `hk:` keys. A long poll is waited for. */
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Heartbeat } from '../../core/protocol/heartbeat.ts'
import type { HttpControl as Address } from '../options.ts'
import { type Control, MAX_POLICY_BYTES, type Policy } from './control.ts'

/** Longer than a long poll of half a minute. */
const ANSWER_MS = 35_000

type Answer = { status: number; etag: string | null; body: string }

export class HttpControl implements Control {
  readonly connections: [] = []
  readonly #address: Address
  readonly #app: string
  #closing = new AbortController()
  #etag: string | null = null

  constructor(address: Address, app: string) {
    this.#address = address
    this.#app = app
  }

  async readPolicy(rev: number): Promise<Policy> {
    const query = new URLSearchParams({ cacheId: this.#address.cacheId, app: this.#app, rev: String(rev) })
    // Only what is in force may be confirmed: without one, the document itself is needed.
    const headers: Record<string, string> = this.#etag && rev > 0 ? { 'if-none-match': this.#etag } : {}
    const answer = await this.#send('GET', `/api/v1/policies?${query}`, headers, null)
    if (answer.status === 304) return { kind: 'unchanged' }
    if (answer.status === 404) return { kind: 'none' }
    if (answer.status !== 200) throw new Error(`the control plane answered ${answer.status}`)
    this.#etag = answer.etag
    return { kind: 'document', text: answer.body }
  }

  async sendHeartbeat(heartbeat: Heartbeat): Promise<void> {
    const body = JSON.stringify({ cacheId: this.#address.cacheId, heartbeat })
    const answer = await this.#send(
      'POST',
      '/api/v1/heartbeats',
      { 'content-type': 'application/json' },
      body,
    )
    if (answer.status >= 300) throw new Error(`the control plane answered ${answer.status}`)
  }

  /** What is under way is given up; a client that is ready again asks anew. */
  close(): void {
    this.#closing.abort()
    this.#closing = new AbortController()
  }

  /** Not fetch: its requests keep the process alive while they wait. */
  #send(method: string, path: string, headers: Record<string, string>, body: string | null): Promise<Answer> {
    const url = new URL(path, this.#address.url)
    const request = url.protocol === 'https:' ? requestHttps : requestHttp
    return new Promise((resolve, reject) => {
      const sent = request(url, {
        method,
        headers,
        timeout: ANSWER_MS,
        signal: this.#closing.signal,
        agent: false,
      })
      sent.on('socket', (socket) => socket.unref())
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${ANSWER_MS} ms`)))
      sent.on('error', reject)
      sent.on('response', (response) => readAnswer(response).then(resolve, reject))
      sent.end(body ?? undefined)
    })
  }
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  let bytes = 0
  const chunks: Buffer[] = []
  for await (const chunk of response) {
    if (!(chunk instanceof Buffer)) continue
    bytes += chunk.length
    if (bytes > MAX_POLICY_BYTES) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return {
    status: response.statusCode ?? 0,
    etag: response.headers.etag ?? null,
    body: Buffer.concat(chunks).toString(),
  }
}
