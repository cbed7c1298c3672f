/** Reads the JSON body of a request, with a limit. */
import { parseJson } from '../../../core/api/json-body.ts'
import type { Parsed } from '../../../core/api/parameters.ts'
import { problemResponse } from './problems.ts'

/** A heartbeat with 32 hot keys of ordinary length has a few KiB; a key may be 64 KiB. */
const MAX_BODY_BYTES = 256 * 1024

/** @returns what the body says, or the answer that says why it is not read */
export async function readJson(request: Request): Promise<Parsed<unknown> | Response> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') {
    return problemResponse(
      'unsupported-media-type',
      415,
      'Send the body as JSON, with the header Content-Type: application/json.',
    )
  }
  const bytes = await readBytes(request)
  if (bytes === null) {
    return problemResponse('body-too-large', 413, `A body has at most ${MAX_BODY_BYTES / 1024} KiB.`)
  }
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return { ok: false, errors: [{ field: 'body', message: 'The body is not UTF-8.' }] }
  }
}

/** @returns null where there is more than the limit; the rest is not read then */
async function readBytes(request: Request): Promise<Uint8Array | null> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) {
    await request.body?.cancel()
    return null
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    if (size > MAX_BODY_BYTES) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
