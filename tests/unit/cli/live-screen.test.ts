import { EventEmitter } from 'node:events'
import type { WriteStream } from 'node:tty'
import { expect, test } from 'vitest'
import { LiveScreen } from '../../../bin/live-screen.ts'

function terminal(columns: number, rows: number) {
  const written: string[] = []
  const out = Object.assign(new EventEmitter(), {
    columns,
    rows,
    write: (text: string) => written.push(text),
  })
  return { out: out as unknown as WriteStream, written, last: () => written.at(-1) ?? '' }
}

test('a frame replaces the one before it in place, and is written at once', () => {
  const { out, last, written } = terminal(80, 24)
  const screen = new LiveScreen(out)
  screen.draw(['one', 'two'])
  expect(last()).toBe('\x1b[?2026hone\x1b[K\ntwo\x1b[K\n\x1b[J\x1b[?2026l')
  screen.draw(['three'])
  expect(last()).toBe('\x1b[?2026h\r\x1b[2Athree\x1b[K\n\x1b[J\x1b[?2026l')
  expect(written).toHaveLength(3)
  screen.end()
  expect(last()).toBe('\r\x1b[1A\x1b[J\x1b[?25h')
})

test('a frame has no more lines than the terminal; a resized one begins anew', () => {
  const { out, last } = terminal(80, 4)
  const screen = new LiveScreen(out)
  screen.draw(['1', '2', '3', '4', '5'])
  expect(last()).not.toContain('4')
  out.emit('resize')
  screen.draw(['1'])
  expect(last()).toContain('\x1b[2J\x1b[H')
  screen.end()
  expect(out.listenerCount('resize')).toBe(0)
})
