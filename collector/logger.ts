/** JSON lines on standard output. Fields are chosen by hand: no error objects of drivers, which repeat commands. */
import { destination, pino } from 'pino'

export type Logger = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export function createLogger(level: (typeof LOG_LEVELS)[number], collectorId: string): Logger {
  const options = { level, base: { collectorId }, timestamp: pino.stdTimeFunctions.isoTime }
  // Written at once: the last lines before an exit are the ones that matter.
  return pino(options, destination({ dest: 1, sync: true }))
}
