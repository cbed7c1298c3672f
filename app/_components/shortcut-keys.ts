import { useEffect, useRef } from 'react'

const SEQUENCE_MS = 1200

/**
 * Calls the handler of a key (`?`) or of two keys in a row (`g f`). Silent while someone types, chooses or holds
 * a modifier.
 */
export function useShortcutKeys(handlers: Record<string, () => void>) {
  const latest = useRef(handlers)
  useEffect(() => {
    latest.current = handlers
  })
  useEffect(() => {
    let first: { key: string; at: number } | null = null
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target))
        return
      if (event.key === 'Shift') return
      const sequence =
        first !== null && Date.now() - first.at < SEQUENCE_MS ? `${first.key} ${event.key}` : null
      const handler = (sequence && latest.current[sequence]) || latest.current[event.key]
      first = sequence === null ? { key: event.key, at: Date.now() } : null
      if (handler === undefined) return
      event.preventDefault()
      handler()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [])
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.closest('input, textarea, select, [role="dialog"], [role="menu"]') !== null)
  )
}
