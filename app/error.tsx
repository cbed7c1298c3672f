'use client'

import { Button } from '@mantine/core'
import { useRouter } from 'next/navigation'
import { startTransition } from 'react'
import { EmptyState } from './_components/empty-state.tsx'

export default function PageError({
  error,
  reset,
}: {
  error: Error & { digest?: string }
  reset: () => void
}) {
  const router = useRouter()
  const retry = () =>
    startTransition(() => {
      router.refresh()
      reset()
    })
  return (
    <EmptyState page title="This page could not be shown">
      <p>
        Something in Cachescope failed; your caches are not affected. The dashboard’s log has the details
        {error.digest === undefined ? '.' : ` under ${error.digest}.`}
      </p>
      <p>
        <Button size="xs" onClick={retry}>
          Try again
        </Button>
      </p>
    </EmptyState>
  )
}
