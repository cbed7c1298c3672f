/** A server that speaks RESP2 and answers each command as a test has it: what no installed server could. */
import type { Socket } from 'node:net'
import { type ScriptedServer, startScriptedServer } from './scripted-server.ts'

export type Reply = null | string | number | Buffer | Error | readonly Reply[]
export type ScriptedRedis = ScriptedServer & {
  /** Commands in the order of their arrival, as words: `HOTKEYS GET`. */
  commands: string[]
}

/** @param answer of the words of a command; an Error is an error reply */
export async function startScriptedRedis(answer: (words: string[]) => Reply): Promise<ScriptedRedis> {
  const commands: string[] = []
  const server = await startScriptedServer((socket: Socket) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      for (;;) {
        const command = readCommand(text)
        if (command === null) return
        text = text.slice(command.length)
        commands.push(command.words.join(' '))
        socket.write(encodeReply(answer(command.words)))
      }
    })
  })
  return Object.assign(server, { commands })
}

function readCommand(text: string): { words: string[]; length: number } | null {
  const head = /^\*(\d+)\r\n/.exec(text)
  if (head === null) return null
  const words: string[] = []
  let at = head[0].length
  for (let word = 0; word < Number(head[1]); word++) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at))
    if (size === null) return null
    at += size[0].length
    if (text.length < at + Number(size[1]) + 2) return null
    words.push(text.slice(at, at + Number(size[1])))
    at += Number(size[1]) + 2
  }
  return { words, length: at }
}

function encodeReply(reply: Reply): Buffer {
  if (reply === null) return Buffer.from('$-1\r\n')
  if (reply instanceof Error) return Buffer.from(`-${reply.message}\r\n`)
  if (typeof reply === 'number') return Buffer.from(`:${reply}\r\n`)
  if (typeof reply === 'string' || Buffer.isBuffer(reply)) {
    const bytes = Buffer.from(reply)
    return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')])
  }
  return Buffer.concat([Buffer.from(`*${reply.length}\r\n`), ...reply.map(encodeReply)])
}
