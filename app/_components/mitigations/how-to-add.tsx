import type { Preview } from '../../../core/mitigations/model.ts'
import type { CacheKind } from '../../../core/model.ts'
import { clientSample } from '../../_lib/client-sample.ts'
import { EmptyState } from '../empty-state.tsx'
import classes from './how-to-add.module.css'

const SWITCHED_OFF = 'switched-off'
const NO_LIBRARY = 'no-library'

const yaml = (cacheId: string) => `caches:
  - name: ${cacheId}
    # …
    mitigations:
      enabled: true
      username: cachescope-writer                 # optional: a user that may write
      password: \${CACHESCOPE_WRITER_PASSWORD}     # read from the environment`

/**
 * What to add to the configuration or the application, where that is what keeps it from being done.
 * @param kind null where it is not known
 */
export function HowToAdd({
  cacheId,
  kind,
  preview,
}: {
  cacheId: string
  kind: CacheKind | null
  preview: Preview
}) {
  const ids = preview.refusals.map(({ id }) => id)
  const off = ids.includes(SWITCHED_OFF)
  const sample = ids.includes(NO_LIBRARY) ? clientSample(kind, cacheId) : null
  if (!off && sample === null) return null
  return (
    <div className={classes.howTo}>
      {off && (
        <EmptyState compact title={`Mitigations are switched off for ${cacheId}`}>
          <p>
            Cachescope writes to no cache unless told that it may. In <code>cachescope.yaml</code>:
          </p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <pre tabIndex={0}>{yaml(cacheId)}</pre>
          <p>Then start the collector again. Every action on this cache is refused until it has read this.</p>
        </EmptyState>
      )}
      {sample !== null && (
        <EmptyState compact title="No application takes part yet">
          <p>This action needs the library in the applications that read the key, on ioredis 5 or 6:</p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <pre tabIndex={0}>npm install @cachescope/client</pre>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <pre tabIndex={0}>{sample}</pre>
          <p>
            It is the same client with the same results; each process is counted here within seconds of its
            start.
          </p>
        </EmptyState>
      )}
    </div>
  )
}
