/** What wrapping does to a client, and what is left of it after. */
import { expect, test } from 'vitest'
import { cachescope, inspect, release } from '../../../client/index.ts'
import { fakeClient } from '../../support/library-parts.ts'

test.each(['my shop', '', '{shop}', 'x'.repeat(101)])(
  'under a name that no application can have nothing is touched: "%s"',
  (app) => {
    const client = fakeClient({ status: 'wait' })
    expect(cachescope(client, { app })).toBe(client)
    expect(inspect(client)).toBeNull()
    expect(Object.getPrototypeOf(client)).toBe(Object.prototype)
  },
)

test('release takes everything off again: methods, listeners, and the name that the server is told', () => {
  const node = fakeClient()
  const listeners: string[] = []
  const client = fakeClient({
    ...{ status: 'wait', isCluster: true, nodes: () => [node] },
    on: (event) => listeners.push(event),
    off: (event) => listeners.splice(listeners.indexOf(event), 1),
  })
  cachescope(client, { app: 'shop' })
  expect(listeners).toContain('+node')
  expect(node.options.clientInfoTag).toBe('hk_1.0')
  release(client)
  expect(listeners).toEqual([])
  expect(node.options.clientInfoTag).toBeUndefined()
  expect(Object.getPrototypeOf(client)).toBe(Object.prototype)
})

test("an application's own name for the server stays", () => {
  const client = fakeClient({ status: 'wait', options: { clientInfoTag: 'mine' } })
  cachescope(client, { app: 'shop' })
  release(client)
  expect(client.options.clientInfoTag).toBe('mine')
})
