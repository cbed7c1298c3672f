import Link from 'next/link'
import { mitigationHref } from '../../_lib/urls.ts'

/** At a sentence that names the mitigation that is in the way. */
export function MitigationLink({ mitigationId }: { mitigationId: number }) {
  return (
    <Link href={mitigationHref(mitigationId)} prefetch={false}>
      Open mitigation {mitigationId}
    </Link>
  )
}
