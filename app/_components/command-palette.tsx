'use client'

import { Spotlight, type SpotlightActionGroupData, spotlight } from '@mantine/spotlight'
import { IconSearch } from '@tabler/icons-react'
import { useRouter, useSearchParams } from 'next/navigation'
import { useEffect, useState } from 'react'
import {
  cacheHref,
  fleetHref,
  type HotKeysList,
  hotKeysHref,
  mitigationsHref,
  rangeParams,
} from '../_lib/urls.ts'
import bar from './bar-button.module.css'
import type { CacheChoice } from './cache-switcher.tsx'
import { useInBrowser } from './clock.tsx'
import classes from './command-palette.module.css'
import { useLive } from './live.tsx'
import { fetchTargets, type Target, type Targets } from './palette-targets.ts'

const NOTHING: Targets = { nodes: [], hotKeys: [], mitigations: [] }

const HOT_LISTS: { list: HotKeysList; label: string }[] = [
  { list: 'patterns', label: 'Hot patterns' },
  { list: 'missing', label: 'Hot missing keys' },
  { list: 'big', label: 'Hot big keys' },
]

export function CommandPalette({ caches, onShortcuts }: { caches: CacheChoice[]; onShortcuts: () => void }) {
  const router = useRouter()
  const live = useLive()
  const range = rangeParams(useSearchParams())
  const apple = useInBrowser() && /Mac|iPhone|iPad/.test(navigator.userAgent)
  const [opened, setOpened] = useState(false)
  const [targets, setTargets] = useState(NOTHING)

  useEffect(() => {
    if (!opened) return
    const abort = new AbortController()
    fetchTargets(abort.signal).then((found) => {
      if (!abort.signal.aborted) setTargets(found)
    })
    return () => abort.abort()
  }, [opened])

  const link = (target: Target) => ({
    id: target.id,
    label: target.label,
    description: target.description,
    onClick: () => router.push(target.href),
  })
  const groups: SpotlightActionGroupData[] = [
    {
      group: 'Pages',
      actions: [
        { id: 'fleet', label: 'Fleet', onClick: () => router.push(fleetHref(range)) },
        { id: 'hot-keys', label: 'Hot keys', onClick: () => router.push(hotKeysHref({}, range)) },
        ...HOT_LISTS.map(({ list, label }) => ({
          id: `hot-keys-${list}`,
          label,
          onClick: () => router.push(hotKeysHref({ list }, range)),
        })),
        { id: 'mitigations', label: 'Mitigations', onClick: () => router.push(mitigationsHref({}, range)) },
      ],
    },
    {
      group: 'Caches',
      actions: caches.map(({ cacheId, health }) =>
        link({
          id: `cache-${cacheId}`,
          label: cacheId,
          description: health,
          href: cacheHref(cacheId, range),
        }),
      ),
    },
    { group: 'Hot keys now', actions: targets.hotKeys.map(link) },
    { group: 'Running mitigations', actions: targets.mitigations.map(link) },
    { group: 'Nodes', actions: targets.nodes.map(link) },
    {
      group: 'Actions',
      actions: [
        {
          id: 'pause',
          label: live.paused ? 'Resume live updates' : 'Pause live updates',
          onClick: live.toggle,
        },
        { id: 'shortcuts', label: 'Keyboard shortcuts', onClick: onShortcuts },
      ],
    },
  ].filter((group) => group.actions.length > 0)

  return (
    <>
      <button
        type="button"
        className={`${bar.button} ${classes.search}`}
        onClick={spotlight.open}
        aria-keyshortcuts="Meta+K Control+K"
      >
        <IconSearch size={15} aria-hidden="true" />
        <span className="visually-hidden">Find a cache, node, key or page</span>
        <kbd>{apple ? '⌘K' : 'Ctrl K'}</kbd>
      </button>
      <Spotlight
        actions={groups}
        shortcut={['mod + K']}
        nothingFound="Nothing of that name"
        scrollable
        maxHeight={440}
        limit={40}
        attributes={{ content: { 'aria-label': 'Find' } }}
        classNames={{ content: classes.sheet, action: classes.found, actionDescription: classes.foundText }}
        onSpotlightOpen={() => setOpened(true)}
        onSpotlightClose={() => setOpened(false)}
        searchProps={{
          placeholder: 'Cache, node, key or page',
          'aria-label': 'Find a cache, node, key or page',
          leftSection: <IconSearch size={18} aria-hidden="true" />,
        }}
      />
    </>
  )
}
