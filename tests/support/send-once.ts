/** One command on a connection of its own, whatever it does to that connection. */
import { connect } from 'node:net'
import { encodeCommand } from '../../collector/monitor/resp.ts'

/** A blocking command, or one that silences its connection, gives no answer. */
const SILENCE_MS = 60

/** Resolves with the first answer, as far as it came at once; empty where none did. */
export function sendOnce(
  server: { host: string; port: number },
  words: readonly (string | Uint8Array)[],
  password?: string,
): Promise<string> {
  return new Promise((resolve) => {
    const signIn = password === undefined ? [] : [encodeCommand('AUTH', password)]
    const greeting = password === undefined ? '' : '+OK\r\n'
    let text = ''
    const socket = connect(server.port, server.host, () => {
      // From here on: what has not been sent is not given up, however long this process stood still.
      socket.write(Buffer.concat([...signIn, encodeCommand(...words)]), () =>
        socket.setTimeout(SILENCE_MS, () => socket.destroy()),
      )
    })
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (text.length > greeting.length) socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text.slice(greeting.length)))
  })
}
