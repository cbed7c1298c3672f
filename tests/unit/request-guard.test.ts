import { describe, expect, test } from 'vitest'
import { type RequestFacts, refuseRequest } from '../../core/request-guard.ts'

const plain: RequestFacts = {
  host: 'localhost:3000',
  origin: null,
  secFetchSite: null,
  secFetchMode: null,
  method: 'GET',
}

describe('refuseRequest by Host', () => {
  const hosts: [string | null, boolean][] = [
    ['localhost:3000', true],
    ['LOCALHOST:3000', true],
    ['localhost', true],
    ['127.0.0.1:49152', true],
    ['[::1]:3000', true],
    [null, false],
    ['', false],
    ['evil.example', false],
    ['evil.example:3000', false],
    ['localhost.evil.example:3000', false],
    ['evil.localhost:3000', false],
    ['127.0.0.1.nip.io:3000', false],
    ['127.0.0.1:3000@evil.example', false],
    ['localhost:', false],
    ['localhost:3000, evil.example', false],
    ['0.0.0.0:3000', false],
    ['[::]:3000', false],
    ['192.168.1.10:3000', false],
  ]
  test.each(hosts)('%j passes: %s', (host, passes) => {
    expect(refuseRequest({ ...plain, host })?.status ?? 200).toBe(passes ? 200 : 421)
  })
})

describe('refuseRequest by Origin', () => {
  const origins: [string, boolean][] = [
    ['http://localhost:3000', true],
    ['http://LOCALHOST:3000', true],
    ['https://localhost:3000', true],
    ['http://localhost:8080', false],
    ['http://127.0.0.1:3000', false],
    ['https://evil.example', false],
    ['http://localhost:3000.evil.example', false],
    ['null', false],
    ['', false],
  ]
  test.each(origins)('%j passes: %s', (origin, passes) => {
    expect(refuseRequest({ ...plain, origin })?.status ?? 200).toBe(passes ? 200 : 403)
  })
})

describe('refuseRequest by Sec-Fetch', () => {
  const requests: [string, string, string, boolean][] = [
    ['none', 'navigate', 'GET', true],
    ['same-origin', 'cors', 'GET', true],
    ['cross-site', 'navigate', 'GET', true],
    ['cross-site', 'navigate', 'HEAD', true],
    ['cross-site', 'navigate', 'POST', false],
    ['cross-site', 'no-cors', 'GET', false],
    ['cross-site', 'cors', 'GET', false],
    ['same-site', 'no-cors', 'GET', false],
    ['same-site', 'navigate', 'GET', true],
  ]
  test.each(requests)('%s %s %s passes: %s', (secFetchSite, secFetchMode, method, passes) => {
    expect(refuseRequest({ ...plain, secFetchSite, secFetchMode, method })?.status ?? 200).toBe(
      passes ? 200 : 403,
    )
  })
})
