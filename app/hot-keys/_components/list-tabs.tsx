import Link from 'next/link'
import type { RangeQuery } from '../../_lib/page-range.ts'
import { withQuery } from '../../_lib/urls.ts'
import type { Filters } from '../_lib/filters.ts'
import { LISTS, type ListName, listParam } from '../_lib/lists.ts'
import classes from './list-tabs.module.css'

/** The lists as links: the URL says which is shown, filters and range are carried along. */
export function ListTabs({
  list,
  typed,
  range,
}: {
  list: ListName
  typed: Filters['typed']
  range: RangeQuery
}) {
  return (
    <nav className={classes.tabs} aria-label="Lists">
      {LISTS.map(({ name, label }) => (
        <Link
          key={name}
          href={withQuery('/hot-keys', { list: listParam(name), ...typed, ...range })}
          aria-current={name === list ? 'page' : undefined}
          prefetch={false}
          scroll={false}
        >
          {label}
        </Link>
      ))}
    </nav>
  )
}
