import Link from 'next/link'
import type { Mitigation } from '../../../core/mitigations/model.ts'
import { bannerOf } from '../../_lib/mitigation-news.ts'
import { actionOf } from '../../_lib/mitigation-text.ts'
import { mitigationHref, mitigationsHref } from '../../_lib/urls.ts'
import { KeyName } from '../key-name.tsx'
import { Notice } from '../notice.tsx'
import classes from './mitigation-banner.module.css'

/** On every page, while anything does harm, is being drained, or is nobody's; over its foot, so that nothing moves as it comes and goes. */
export function MitigationBanner({ running }: { running: Mitigation[] }) {
  const news = bannerOf(running)
  // There before it says anything: else it may not be read out.
  if (news === null) return <div className="visually-hidden" role="status" />
  const { first, state, others, harmful } = news
  return (
    <div className={classes.banner} role={harmful ? 'alert' : 'status'}>
      <Notice tone={harmful ? 'harm' : 'warn'} role="none">
        {actionOf(first.action)} <KeyName text={first.label} /> in {first.cacheId} {state}.{' '}
        <Link href={mitigationHref(first.mitigationId)} prefetch={false}>
          Follow it
        </Link>
        {others > 0 && (
          <>
            {', '}
            <Link href={mitigationsHref()} prefetch={false}>
              and {others} more
            </Link>
          </>
        )}
      </Notice>
    </div>
  )
}
