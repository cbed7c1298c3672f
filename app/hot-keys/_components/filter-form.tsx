import Form from 'next/form'
import Link from 'next/link'
import type { RangeQuery } from '../../_lib/page-range.ts'
import { hotKeysHref } from '../../_lib/urls.ts'
import type { FilterField, Filters, KnownShard } from '../_lib/filters.ts'
import { type ListName, listParam } from '../_lib/lists.ts'
import classes from './filter-form.module.css'

/** Filters as a plain form: its fields are the URL's parameters, so it works without JavaScript. */
export function FilterForm({
  filters,
  cacheIds,
  shards,
  list,
  range,
}: {
  filters: Filters
  cacheIds: string[]
  shards: KnownShard[]
  list: ListName
  range: RangeQuery
}) {
  const { typed, active, problems } = filters
  const shown = active.cacheId === undefined ? shards : shards.filter((s) => s.cacheId === active.cacheId)
  const offered = withTyped(
    shown.map((shard) => ({
      value: String(shard.shardId),
      label: `${shard.cacheId} · shard ${shard.ordinal}`,
    })),
    typed.shard,
  )
  return (
    <Form action="/hot-keys" className={classes.form} key={JSON.stringify(typed)}>
      <Field name="cache" label="Cache" problem={problems.cache}>
        <select id="filter-cache" name="cache" defaultValue={typed.cache} {...described('cache', problems)}>
          <option value="">All caches</option>
          {withTyped(
            cacheIds.map((id) => ({ value: id, label: id })),
            typed.cache,
          ).map(option)}
        </select>
      </Field>
      <Field name="shard" label="Shard" problem={problems.shard}>
        <select id="filter-shard" name="shard" defaultValue={typed.shard} {...described('shard', problems)}>
          <option value="">All shards</option>
          {offered.map(option)}
        </select>
      </Field>
      {list !== 'patterns' && (
        <>
          <Field name="pattern" label="Key pattern" problem={problems.pattern}>
            <input
              id="filter-pattern"
              name="pattern"
              defaultValue={typed.pattern}
              placeholder="article:*"
              autoComplete="off"
              autoCapitalize="off"
              spellCheck={false}
              className="mono"
              {...described('pattern', problems)}
            />
          </Field>
          <Field name="heat" label="Reads and writes" problem={problems.heat}>
            <select id="filter-heat" name="heat" defaultValue={typed.heat} {...described('heat', problems)}>
              <option value="">Any</option>
              {withTyped(HEATS, typed.heat).map(option)}
            </select>
          </Field>
        </>
      )}
      {Object.entries({ list: listParam(list), ...range }).map(([name, value]) =>
        value === undefined ? null : <input key={name} type="hidden" name={name} value={value} />,
      )}
      <div className={classes.buttons}>
        <button type="submit">Filter</button>
        {Object.values(typed).some((value) => value !== '') && (
          <Link href={hotKeysHref({ list: listParam(list) }, range)} prefetch={false}>
            Clear
          </Link>
        )}
      </div>
    </Form>
  )
}

function Field({
  name,
  label,
  problem,
  children,
}: {
  name: FilterField
  label: string
  problem: string | undefined
  children: React.ReactNode
}) {
  return (
    <div className={classes.field} data-field={name}>
      <label htmlFor={`filter-${name}`}>{label}</label>
      {children}
      {problem !== undefined && (
        <p id={`filter-${name}-problem`} className={classes.problem}>
          {problem}
        </p>
      )}
    </div>
  )
}

function described(name: FilterField, problems: Filters['problems']) {
  return problems[name] === undefined
    ? {}
    : { 'aria-invalid': true, 'aria-describedby': `filter-${name}-problem` }
}

type Option = { value: string; label: string }
const HEATS: Option[] = [
  { value: 'read-hot', label: 'Read-hot' },
  { value: 'write-hot', label: 'Write-hot' },
  { value: 'mixed', label: 'Mixed' },
]
const option = ({ value, label }: Option) => (
  <option key={value} value={value}>
    {label}
  </option>
)

/** A value that is not among the options is kept as one, or the field would forget what was asked. */
function withTyped(options: Option[], typed: string): Option[] {
  return typed === '' || options.some(({ value }) => value === typed)
    ? options
    : [...options, { value: typed, label: typed }]
}
