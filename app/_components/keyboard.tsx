'use client'

import { Modal } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconKeyboard } from '@tabler/icons-react'
import { useParams, useRouter, useSearchParams } from 'next/navigation'
import { Fragment, useState } from 'react'
import { cacheHref, fleetHref, hotKeysHref, mitigationsHref, rangeParams } from '../_lib/urls.ts'
import bar from './bar-button.module.css'
import type { CacheChoice } from './cache-switcher.tsx'
import { sharedTables } from './charts/chart-state.ts'
import { CommandPalette } from './command-palette.tsx'
import classes from './keyboard.module.css'
import { useLive } from './live.tsx'
import { useShortcutKeys } from './shortcut-keys.ts'

const LIST: [keys: string[], does: string][] = [
  [['⌘', 'K'], 'Find any cache, node, key, page or action (Ctrl K elsewhere)'],
  [['g', 'f'], 'Go to the fleet'],
  [['g', 'h'], 'Go to the hot keys'],
  [['g', 'm'], 'Go to the mitigations'],
  [['g', 'c'], 'Go to this cache, or the first'],
  [['p'], 'Pause or resume live updates'],
  [['t'], 'Show charts as tables, or as charts again'],
  [['?'], 'Show this list'],
]

/** The palette and the shortcuts, for the whole app. */
export function Keyboard({ caches }: { caches: CacheChoice[] }) {
  const router = useRouter()
  const range = rangeParams(useSearchParams())
  const { cacheId } = useParams<{ cacheId?: string }>()
  const live = useLive()
  const [listed, setListed] = useState(false)
  const cache = cacheId ?? caches[0]?.cacheId

  useShortcutKeys({
    'g f': () => router.push(fleetHref(range)),
    'g h': () => router.push(hotKeysHref({}, range)),
    'g m': () => router.push(mitigationsHref({}, range)),
    'g c': () => router.push(cache === undefined ? fleetHref(range) : cacheHref(cache, range)),
    p: () => {
      live.toggle()
      notifications.show({
        message: live.paused ? 'Live updates resumed' : 'Live updates paused',
        id: 'live',
      })
    },
    t: () => sharedTables.set(!sharedTables.get()),
    '?': () => setListed(true),
  })
  return (
    <>
      <CommandPalette caches={caches} onShortcuts={() => setListed(true)} />
      <button
        type="button"
        className={`${bar.button} ${classes.opener}`}
        data-look="icon"
        aria-label="Keyboard shortcuts"
        onClick={() => setListed(true)}
      >
        <IconKeyboard size={17} stroke={1.8} aria-hidden="true" />
      </button>
      <Modal
        opened={listed}
        onClose={() => setListed(false)}
        title="Keyboard shortcuts"
        classNames={{ content: classes.sheet }}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
        attributes={{ header: { role: 'presentation' } }}
      >
        <dl className={classes.keys}>
          {LIST.map(([keys, does]) => (
            <Fragment key={does}>
              <dt>
                {keys.map((key) => (
                  <Fragment key={key}>
                    <kbd>{key}</kbd>{' '}
                  </Fragment>
                ))}
              </dt>
              <dd>{does}</dd>
            </Fragment>
          ))}
        </dl>
      </Modal>
    </>
  )
}
