import Link from 'next/link'
import { fleetHref } from '../_lib/urls.ts'
import { EmptyState } from './empty-state.tsx'
import { PageHead } from './page-head.tsx'

/** A page of a fleet that has no cache yet. */
export function NoCache({
  title,
  consequence,
  purpose,
}: {
  title: string
  /** `no key can be hot` */
  consequence: string
  /** What the page would show. */
  purpose: string
}) {
  return (
    <>
      <PageHead title={title} answer={`No cache is configured, so ${consequence}`} />
      <EmptyState title={purpose}>
        <p>
          Name your caches in <code>cachescope.yaml</code>; the <Link href={fleetHref()}>fleet page</Link>{' '}
          says how.
        </p>
      </EmptyState>
    </>
  )
}
