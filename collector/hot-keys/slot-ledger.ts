/** The command time of a node's hash slots, reading by reading: which slots it goes to now. */

/** Of the command time, that a slot must have to be looked into. */
const MIN_SHARE = 0.01

type Reading = { us: number; commandUs: number; at: number }
/** Epoch milliseconds: the share is of the time between the two. */
export type SlotShare = { slot: number; cpuShare: number; from: number; to: number }

export class SlotLedger {
  readonly #last = new Map<number, Reading>()
  #compared = false

  /** Whether any slot was read twice: before that, nothing is known. */
  get hasCompared(): boolean {
    return this.#compared
  }

  /**
   * Each slot against its own reading before, which may be a minute old: the server tells totals since its start,
   * and by these a slot that has just become hot is behind those of weeks.
   * @param slots command time by slot, microseconds; `commandUs` of all commands, at the same moment
   * @returns the slots of this reading that are hot, the hottest first
   */
  note(slots: ReadonlyMap<number, number>, commandUs: number, at: number): SlotShare[] {
    const hot: SlotShare[] = []
    for (const [slot, us] of slots) {
      const before = this.#last.get(slot)
      this.#last.set(slot, { us, commandUs, at })
      // Less than before: the statistics were reset, or the slot left and came back.
      if (before === undefined || us < before.us || commandUs <= before.commandUs) continue
      this.#compared = true
      const cpuShare = Math.min(1, (us - before.us) / (commandUs - before.commandUs))
      if (cpuShare >= MIN_SHARE) hot.push({ slot, cpuShare, from: before.at, to: at })
    }
    return hot.sort((one, other) => other.cpuShare - one.cpuShare)
  }

  forget(): void {
    this.#last.clear()
    this.#compared = false
  }
}
