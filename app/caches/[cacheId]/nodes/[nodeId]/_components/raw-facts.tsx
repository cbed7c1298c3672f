'use client'

import { useDeferredValue, useState } from 'react'
import { EmptyState } from '../../../../../_components/empty-state.tsx'
import { plural } from '../../../../../_lib/format.ts'
import type { InfoSection } from '../_lib/info.ts'
import classes from './node-view.module.css'

/** Every line of the node's INFO reply, found by name or value; some hundred, so closed at first. */
export function RawFacts({ sections }: { sections: InfoSection[] }) {
  const [typed, setTyped] = useState('')
  const wanted = useDeferredValue(typed).trim().toLowerCase()
  const found = sections
    .map((section) => ({
      ...section,
      facts: section.facts.filter(({ name, value }) => `${name} ${value}`.toLowerCase().includes(wanted)),
    }))
    .filter((section) => section.facts.length > 0)
  const count = sections.reduce((sum, section) => sum + section.facts.length, 0)
  return (
    <details className={classes.raw}>
      <summary>{plural(count, 'fact')}, to be searched by name or value</summary>
      <div className={classes.search}>
        <input
          type="search"
          className="mono"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          placeholder="used_memory"
          aria-label="Find a fact by name or value"
          spellCheck={false}
        />
      </div>
      {found.length === 0 && <EmptyState title="No fact of that name or value" compact />}
      <div className={classes.sections}>
        {found.map((section) => (
          <section key={section.name} aria-label={section.name}>
            <h3>{section.name}</h3>
            <dl className={classes.facts}>
              {section.facts.map((fact) => (
                <div key={fact.name}>
                  <dt>{fact.name}</dt>
                  <dd>{fact.value}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </details>
  )
}
