'use client'

import { useState } from 'react'

const NAME = 'cachescope-actor'

/** Who presses the buttons in this browser; remembered once an action was asked for. */
export function usePerson(): { actor: string; setActor: (actor: string) => void; remember: () => void } {
  const [actor, setActor] = useState(recall)
  const remember = () => {
    try {
      localStorage.setItem(NAME, actor.trim())
    } catch {
      // A browser that keeps nothing asks again the next time.
    }
  }
  return { actor, setActor, remember }
}

function recall(): string {
  try {
    return localStorage.getItem(NAME) ?? ''
  } catch {
    return ''
  }
}
