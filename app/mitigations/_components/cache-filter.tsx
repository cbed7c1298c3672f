import Link from 'next/link'
import type { RangeQuery } from '../../_lib/page-range.ts'
import { mitigationsHref } from '../../_lib/urls.ts'
import classes from '../../hot-keys/_components/filter-form.module.css'

/** Works without JavaScript, and keeps the range. */
export function CacheFilter({
  caches,
  cacheId,
  range,
}: {
  caches: string[]
  cacheId: string | null
  range: RangeQuery
}) {
  if (caches.length < 2) return null
  const kept = Object.entries(range).filter(([, value]) => value !== undefined)
  return (
    <form className={classes.form} action="/mitigations">
      {kept.map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      <div className={classes.field}>
        <label htmlFor="mitigations-cache">Cache</label>
        <select id="mitigations-cache" name="cache" defaultValue={cacheId ?? ''} key={cacheId ?? ''}>
          <option value="">All caches</option>
          {caches.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <div className={classes.buttons}>
        <button type="submit">Filter</button>
        {cacheId !== null && (
          <Link href={mitigationsHref({}, range)} prefetch={false}>
            Clear
          </Link>
        )}
      </div>
    </form>
  )
}
