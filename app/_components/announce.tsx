'use client'

import { useState } from 'react'

/**
 * Reads a change out, once, to those who do not see it. What was so when the page came stands on the page.
 * @param of whose text it is: that of another is no change
 */
export function Announce({ of, text }: { of: number | undefined; text: string }) {
  const [known, setKnown] = useState({ of, text, said: '' })
  if (known.of !== of || known.text !== text) {
    setKnown({ of, text, said: known.of === of ? text : '' })
  }
  return (
    <p role="status" className="visually-hidden">
      {known.said}
    </p>
  )
}
