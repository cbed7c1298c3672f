'use client'

import { useEffect, useState } from 'react'
import type { Shard } from '../../../core/model.ts'
import type { Field, Values } from '../../_lib/mitigation-fields.ts'
import { listShards } from '../../_lib/mitigation-requests.ts'
import look from './fields.module.css'
import classes from './parameter-fields.module.css'

/** The parameters of the chosen action. `errors`: what the server said of a field. */
export function ParameterFields({
  fields,
  values,
  errors,
  cacheId,
  shardId,
  onChange,
}: {
  fields: Field[]
  values: Values
  errors: Record<string, string>
  cacheId: string
  /** Whose replicas may be chosen. */
  shardId: number | null
  onChange: (name: string, value: string | boolean) => void
}) {
  const shards = useShards(cacheId, fields)
  const optionsOf = (field: Field): { value: string; label: string }[] => {
    if (field.kind === 'select') return field.options
    if (field.kind === 'shard') {
      const known = shards.map(({ shardId: id, ordinal }) => ({
        value: String(id),
        label: `Shard ${ordinal}`,
      }))
      return [{ value: '', label: field.optional }, ...known]
    }
    if (field.kind !== 'replica') return []
    const replicas = shards.find((shard) => shard.shardId === shardId)?.nodes ?? []
    const known = replicas
      .filter(({ role }) => role === 'replica')
      .map(({ nodeId, address }) => ({ value: String(nodeId), label: address }))
    return [{ value: '', label: field.optional }, ...known]
  }
  return (
    <div id="mitigation-parameters" tabIndex={-1} className={classes.fields}>
      {fields.map((field) => {
        const id = `mitigation-${field.name}`
        const error = errors[field.name]
        const value = values[field.name] ?? ''
        const described =
          error !== undefined ? `${id}-error` : field.hint !== undefined ? `${id}-hint` : undefined
        const common = {
          id,
          className: look.input,
          'aria-invalid': error !== undefined || undefined,
          'aria-describedby': described,
        }
        if (field.kind === 'flag') {
          return (
            <label key={field.name} className={`${look.flag} ${classes.wide}`}>
              <input
                type="checkbox"
                checked={value === true}
                onChange={(event) => onChange(field.name, event.currentTarget.checked)}
              />
              {field.label}
            </label>
          )
        }
        const unit = field.unit === undefined ? '' : `, ${field.unit}`
        return (
          <div key={field.name} className={look.field}>
            <label htmlFor={id}>{`${field.label}${unit}`}</label>
            {field.kind === 'number' || field.kind === 'text' ? (
              <input
                {...common}
                type={field.kind}
                {...(field.kind === 'number'
                  ? { min: field.min, max: field.max, step: field.step, placeholder: field.optional }
                  : { placeholder: field.placeholder, autoComplete: 'off', spellCheck: false })}
                value={String(value)}
                onChange={(event) => onChange(field.name, event.currentTarget.value)}
              />
            ) : (
              <select
                {...common}
                value={String(value)}
                onChange={(event) => onChange(field.name, event.currentTarget.value)}
              >
                {optionsOf(field).map((option) => (
                  <option key={option.value} value={option.value}>
                    {option.label}
                  </option>
                ))}
              </select>
            )}
            {error !== undefined ? (
              <span className={look.error} id={`${id}-error`}>
                {error}
              </span>
            ) : (
              field.hint !== undefined && (
                <span className={look.hint} id={`${id}-hint`}>
                  {field.hint}
                </span>
              )
            )}
          </div>
        )
      })}
    </div>
  )
}

/** Empty until they are known, and where no field offers any. */
function useShards(cacheId: string, fields: Field[]): Shard[] {
  const [shards, setShards] = useState<Shard[]>([])
  const asked = fields.some(({ kind }) => kind === 'replica' || kind === 'shard')
  useEffect(() => {
    if (!asked) return
    const abort = new AbortController()
    listShards(cacheId, abort.signal).then(setShards, () => {})
    return () => abort.abort()
  }, [asked, cacheId])
  return shards
}
