/** Where things are in a clone. */
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..')
/** State that a run leaves for the next one; never committed. */
export const STATE_DIRECTORY = join(ROOT, '.cachescope')
export const NODE = process.execPath

export const inRoot = (...path: string[]): string => join(ROOT, ...path)

/** `demo` and `dev` share one place: the same fleet, one at a time. */
export const DEMO_NAME = 'demo'
export const CONTROL_SOCKET = join(STATE_DIRECTORY, DEMO_NAME, 'control.sock')
