/** How a process ends that a signal has stopped: by that signal, so that shells and npm see it as such. */
import type { StopSignal } from './session.ts'

export function endAsSignalled(signal: StopSignal): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}
