/** A run whose child ends as no restart cures, reported as the command does. Usage: node incurable-run.ts <name> */
import { explain } from '../../bin/exit-codes.ts'
import { runSession } from '../../bin/session.ts'

const [name = 'test'] = process.argv.slice(2)

try {
  await runSession(name, async ({ supervisor }) => {
    supervisor.start({ name: 'sibling', stage: 'app', program: 'sleep', args: ['1000'] })
    supervisor.start({
      name: 'hopeless',
      stage: 'collector',
      program: 'sh',
      args: ['-c', 'echo begin >&2; echo "The database has a newer schema." >&2; exit 3'],
      restart: true,
      incurableCodes: [2, 3],
    })
  })
} catch (error) {
  const { exitCode, message } = explain(error)
  process.stderr.write(`cachescope: ${message}\n`)
  process.exit(exitCode)
}
