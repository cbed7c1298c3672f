import type { NodeRole } from '../../core/model.ts'
import classes from './role-mark.module.css'

const SHAPES: Record<NodeRole, { word: string; path: string; hollow: boolean }> = {
  primary: { word: 'Primary', path: 'M2 2h10v10H2z', hollow: false },
  replica: { word: 'Replica', path: 'M7 2a5 5 0 1 1 0 10A5 5 0 0 1 7 2z', hollow: true },
  sentinel: { word: 'Sentinel', path: 'M7 1.5 13 12H1z', hollow: true },
  server: { word: 'Server', path: 'M7 1 13 7 7 13 1 7z', hollow: false },
}

/** A node's role as a shape and a word. `word={false}` leaves the word to screen readers. */
export function RoleMark({ role, word = true }: { role: NodeRole; word?: boolean }) {
  const shape = SHAPES[role]
  return (
    <span className={classes.role} title={word ? undefined : shape.word}>
      <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
        <path
          d={shape.path}
          fill={shape.hollow ? 'none' : 'currentColor'}
          stroke="currentColor"
          strokeWidth="1.8"
          strokeLinejoin="round"
        />
      </svg>
      <span className={word ? undefined : 'visually-hidden'}>{shape.word}</span>
    </span>
  )
}
