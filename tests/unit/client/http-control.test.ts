/** Control over HTTP of a client that ends and is ready again. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { HttpControl } from '../../../client/control/http-control.ts'

test('gives up what is under way when it is closed, and asks anew after', async () => {
  let isSilent = true
  let asked = 0
  const server = createServer((_request, response) => {
    asked++
    if (!isSilent) response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as AddressInfo
  const control = new HttpControl({ url: `http://127.0.0.1:${port}`, cacheId: 'main' }, 'shop')
  try {
    const arrived = new Promise((resolve) => server.once('request', resolve))
    const waiting = control.readPolicy(0)
    const givenUp = expect(waiting).rejects.toThrow(/abort/i)
    await arrived
    control.close()
    await givenUp
    isSilent = false
    expect(await control.readPolicy(0)).toEqual({ kind: 'none' })
    expect(asked).toBe(2)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
