import type { Source } from '../../../core/model.ts'
import { SOURCES } from '../../_lib/hot-key-text.ts'

/** A source by its name, with what it can tell on hover and for screen readers. */
export function SourceMark({ source }: { source: Source }) {
  const { label, tells } = SOURCES[source]
  return (
    <span title={tells}>
      {label}
      <span className="visually-hidden">. {tells}</span>
    </span>
  )
}
