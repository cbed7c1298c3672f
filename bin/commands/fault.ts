/** `cachescope demo:fault`: asks the running demo to break, or to mend, one of its own nodes. */
import { type FaultRequest, requestFault } from '../../demo/control.ts'
import { CommandError, EXIT } from '../exit-codes.ts'
import { CONTROL_SOCKET } from '../paths.ts'

export async function fault(request: FaultRequest): Promise<void> {
  const answer = await requestFault(CONTROL_SOCKET, request)
  if (answer === null) {
    throw new CommandError(
      EXIT.missing,
      'No demo runs in this clone. Start it in another terminal: cachescope demo',
    )
  }
  if (!answer.ok) throw new CommandError(EXIT.badInput, answer.message)
  process.stdout.write(`${answer.message}\n`)
}
