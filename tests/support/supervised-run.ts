/** A run with children of every temper, for the tests of the supervisor. Usage: node supervised-run.ts <name> */
import { NODE } from '../../bin/paths.ts'
import { runSession } from '../../bin/session.ts'
import { endAsSignalled } from '../../bin/session-end.ts'

const POLITE = `
  process.on('SIGTERM', () => process.exit(0))
  process.on('disconnect', () => process.exit(0))
  setInterval(() => {}, 1000)`

const [name = 'test'] = process.argv.slice(2)

endAsSignalled(
  await runSession(name, async ({ supervisor }) => {
    const stage = (text: 'traffic' | 'app' | 'collector' | 'fleet' | 'database') => {
      supervisor.onStop(text, async () => console.log(`stopped ${text}`))
    }
    supervisor.start({ name: 'plain', stage: 'fleet', program: 'sleep', args: ['1000'] })
    supervisor.start({ name: 'polite', stage: 'collector', program: NODE, args: ['-e', POLITE], ipc: true })
    supervisor.start({
      name: 'stubborn',
      stage: 'app',
      program: 'sh',
      args: ['-c', 'trap "" TERM; echo deaf; sleep 1000; sleep 1000'],
      graceMs: 300,
      show: (line) => line,
    })
    supervisor.start({
      name: 'restless',
      stage: 'traffic',
      program: 'sh',
      args: ['-c', 'echo always; echo begin $$; sleep 0.2; exit 7'],
      restart: true,
      show: (line) => line,
    })
    for (const each of ['database', 'fleet', 'collector', 'app', 'traffic'] as const) stage(each)
    console.log('ready')
  }),
)
