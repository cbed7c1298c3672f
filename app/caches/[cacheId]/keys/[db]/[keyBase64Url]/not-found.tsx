import Link from 'next/link'
import { EmptyState } from '../../../../../_components/empty-state.tsx'
import { hotKeysHref } from '../../../../../_lib/urls.ts'

export default function KeyNotFound() {
  return (
    <EmptyState page title="This key was never seen hot">
      <p>
        A key has a page once it took a visible share of a node's commands, and keeps it for as long as hot
        keys are kept (30 days unless <code>cachescope.yaml</code> says otherwise).
      </p>
      <p>
        <Link href={hotKeysHref()}>Hot keys</Link> lists those of now.
      </p>
    </EmptyState>
  )
}
