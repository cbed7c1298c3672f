'use client'

import { useSyncExternalStore } from 'react'

/** A value that every chart of the page shares. */
function createShared<T>(initial: T) {
  let value = initial
  const listeners = new Set<() => void>()
  const subscribe = (listener: () => void) => {
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }
  return {
    set(next: T) {
      if (next === value) return
      value = next
      for (const listener of listeners) listener()
    },
    use: () =>
      useSyncExternalStore(
        subscribe,
        () => value,
        () => initial,
      ),
    get: () => value,
  }
}

/** The time under the pointer, in whichever chart it is. */
export const sharedCursor = createShared<number | null>(null)
/** Whether charts show themselves as tables. */
export const sharedTables = createShared(false)
