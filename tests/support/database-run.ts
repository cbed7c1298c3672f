/** A run that keeps nothing but a database, for the tests of its end. Usage: node database-run.ts <name> [--fresh] */
import { forgetDatabase, openDatabase } from '../../bin/database.ts'
import { runSession } from '../../bin/session.ts'
import { endAsSignalled } from '../../bin/session-end.ts'

const [name = 'test', fresh] = process.argv.slice(2)

endAsSignalled(
  await runSession(name, async (session) => {
    if (fresh === '--fresh') {
      await forgetDatabase(session)
      console.log('forgotten')
    }
    await openDatabase(session, undefined)
    console.log('ready')
  }),
)
