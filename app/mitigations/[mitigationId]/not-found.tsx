import type { Metadata } from 'next'
import Link from 'next/link'
import { EmptyState } from '../../_components/empty-state.tsx'
import { mitigationsHref } from '../../_lib/urls.ts'

export const metadata: Metadata = { title: 'Unknown mitigation' }

export default function MitigationNotFound() {
  return (
    <EmptyState page title="There is no mitigation of this number">
      <p>
        The <Link href={mitigationsHref()}>list of mitigations</Link> has all that were asked for. Those of a
        cache that left the configuration are gone with it.
      </p>
    </EmptyState>
  )
}
