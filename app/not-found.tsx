import type { Metadata } from 'next'
import Link from 'next/link'
import { EmptyState } from './_components/empty-state.tsx'

export const metadata: Metadata = { title: 'Not found' }

export default function NotFound() {
  return (
    <EmptyState page title="There is nothing at this address">
      <p>
        The cache, node or key may have been removed from the configuration, or it is past its retention. The{' '}
        <Link prefetch={false} href="/">
          fleet
        </Link>{' '}
        lists every cache there is; ⌘K finds nodes and keys.
      </p>
    </EmptyState>
  )
}
