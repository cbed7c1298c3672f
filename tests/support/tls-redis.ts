/** A real server that speaks TLS on a port of its own beside its plain one, with a certificate made for it. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { freePort } from './free-port.ts'
import type { RedisProcess } from './redis.ts'

/** Restarts the server with TLS. @returns its TLS port and the certificate that signs for it */
export async function enableTls(server: RedisProcess): Promise<{ port: number; ca: Buffer }> {
  const file = (name: string) => `${server.directory}/${name}`
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const output = ['-keyout', file('key.pem'), '-out', file('cert.pem')]
  const key = ['-newkey', 'rsa:2048', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, ...output], { stdio: 'ignore' })
  const port = await freePort()
  await server.restart({
    'tls-port': String(port),
    'tls-cert-file': file('cert.pem'),
    'tls-key-file': file('key.pem'),
    'tls-ca-cert-file': file('cert.pem'),
    'tls-auth-clients': 'no',
  })
  return { port, ca: readFileSync(file('cert.pem')) }
}
