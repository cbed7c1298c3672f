/** The lease may have passed to another collector, or the mitigation is let go: nothing more is sent or written. */
export class Halted extends Error {
  override readonly name = 'Halted'

  constructor() {
    super('Another collector may have the cache by now.')
  }
}
