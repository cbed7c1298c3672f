import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLiveHub } from '../../app/api/_lib/live-hub.ts'

function fakeListener() {
  const opened: { message(cacheIds: string[]): void; state(connected: boolean): void; closed: boolean }[] = []
  const subscribe: Parameters<typeof createLiveHub>[0] = (onMessage, onState) => {
    const listener = { message: onMessage, state: onState, closed: false }
    opened.push(listener)
    return {
      close: async () => {
        listener.closed = true
      },
    }
  }
  return { opened, subscribe }
}

const decoder = new TextDecoder()
async function next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string | null> {
  const { value, done } = await reader.read()
  return done ? null : decoder.decode(value)
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('the live hub', () => {
  test('opens one connection for all streams and closes it after the last', async () => {
    const { opened, subscribe } = fakeListener()
    const hub = createLiveHub(subscribe, { maxStreams: 10 })
    const first = new AbortController()
    const second = new AbortController()
    hub.open(first.signal)
    hub.open(second.signal)
    expect(opened).toHaveLength(1)
    first.abort()
    expect(opened[0]?.closed).toBe(false)
    second.abort()
    expect(opened[0]?.closed).toBe(true)
    expect(hub.streams()).toBe(0)
    hub.open(new AbortController().signal)
    expect(opened).toHaveLength(2)
  })

  test('sends what was notified, the state when it changes, and a heartbeat', async () => {
    const { opened, subscribe } = fakeListener()
    const hub = createLiveHub(subscribe, { maxStreams: 10, heartbeatMs: 1_000 })
    const reader = hub.open(new AbortController().signal)?.getReader()
    if (!reader) throw new Error('no stream')
    expect(await next(reader)).toBe('retry: 2000\n\n')
    opened[0]?.state(true)
    opened[0]?.state(true)
    opened[0]?.message(['shop'])
    opened[0]?.state(false)
    expect(await next(reader)).toBe('event: state\ndata: {"connected":true}\n\ndata: {"cacheIds":[]}\n\n')
    expect(await next(reader)).toBe('data: {"cacheIds":["shop"]}\n\n')
    expect(await next(reader)).toBe('event: state\ndata: {"connected":false}\n\ndata: {"cacheIds":[]}\n\n')
    vi.advanceTimersByTime(1_000)
    expect(await next(reader)).toBe('event: heartbeat\ndata: {}\n\n')
    vi.advanceTimersByTime(1_000)
    expect(await next(reader)).toBe('event: heartbeat\ndata: {}\n\ndata: {"cacheIds":[]}\n\n')
    await hub.close()
    expect(await next(reader)).toBeNull()
    expect(hub.open(new AbortController().signal)).toBeNull()
  })

  test('tells a late stream the state', async () => {
    const { opened, subscribe } = fakeListener()
    const hub = createLiveHub(subscribe, { maxStreams: 10 })
    hub.open(new AbortController().signal)
    opened[0]?.state(false)
    const reader = hub.open(new AbortController().signal)?.getReader()
    if (!reader) throw new Error('no stream')
    await next(reader)
    expect(await next(reader)).toBe('event: state\ndata: {"connected":false}\n\n')
  })

  test('refuses a stream too many, and has room again when one ends', () => {
    const hub = createLiveHub(fakeListener().subscribe, { maxStreams: 1 })
    const first = new AbortController()
    expect(hub.open(first.signal)).not.toBeNull()
    expect(hub.open(new AbortController().signal)).toBeNull()
    first.abort()
    expect(hub.open(new AbortController().signal)).not.toBeNull()
  })

  test('ends a stream that is cancelled, aborted before, or not read', async () => {
    const { opened, subscribe } = fakeListener()
    const hub = createLiveHub(subscribe, { maxStreams: 10 })
    await hub.open(new AbortController().signal)?.cancel()
    expect(hub.streams()).toBe(0)
    hub.open(AbortSignal.abort())
    expect(hub.streams()).toBe(0)
    hub.open(new AbortController().signal)
    for (let sent = 0; sent < 2_000; sent++) opened.at(-1)?.message(['a-cache-with-a-name'])
    expect(hub.streams()).toBe(0)
  })
})
