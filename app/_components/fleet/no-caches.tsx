import { EmptyState } from '../empty-state.tsx'

const EXAMPLE = `caches:
  - name: shop
    kind: cluster                      # or standalone
    nodes: [redis://10.0.0.5:6379]     # any node; the others are found from it
    username: cachescope               # optional
    password: \${SHOP_REDIS_PASSWORD}   # read from the environment`

export function NoCaches() {
  return (
    <EmptyState page title="No cache is configured yet">
      <p>
        This page will show every cache with its health, load, hit rate and hottest key. Name the first one in{' '}
        <code>cachescope.yaml</code>, in the folder where Cachescope runs:
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>{EXAMPLE}</pre>
      <p>
        Then run <code>cachescope start</code>. To look around without a cache of your own, run{' '}
        <code>cachescope demo</code>: a Redis Cluster under traffic, on this machine.
      </p>
    </EmptyState>
  )
}
