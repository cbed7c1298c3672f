'use client'

import { Menu } from '@mantine/core'
import { IconCheck, IconSelector } from '@tabler/icons-react'
import Link from 'next/link'
import { usePathname, useSearchParams } from 'next/navigation'
import type { Health } from '../../core/model.ts'
import { cacheHref, rangeParams } from '../_lib/urls.ts'
import bar from './bar-button.module.css'
import classes from './cache-switcher.module.css'
import { HealthBadge } from './health-badge.tsx'

export type CacheChoice = { cacheId: string; health: Health }

export function CacheSwitcher({ caches }: { caches: CacheChoice[] }) {
  const pathname = usePathname()
  const range = rangeParams(useSearchParams())
  const current = /^\/caches\/([^/]+)/.exec(pathname)?.[1]
  if (caches.length === 0) return null
  return (
    <Menu
      position="bottom-start"
      width={280}
      shadow="md"
      withinPortal={false}
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        <button type="button" className={`${bar.button} ${classes.switcher}`}>
          <span className="visually-hidden">Cache: </span>
          <span className={classes.name}>{current ?? 'All caches'}</span>
          <IconSelector size={14} aria-hidden="true" />
        </button>
      </Menu.Target>
      <Menu.Dropdown mah={420} style={{ overflowY: 'auto' }}>
        {caches.map((cache) => (
          <Menu.Item
            key={cache.cacheId}
            component={Link}
            prefetch={false}
            href={cacheHref(cache.cacheId, range)}
            rightSection={<HealthBadge health={cache.health} />}
            leftSection={
              cache.cacheId === current ? (
                <IconCheck size={14} aria-hidden="true" />
              ) : (
                <span style={{ width: 14 }} />
              )
            }
            aria-current={cache.cacheId === current ? 'true' : undefined}
          >
            {cache.cacheId}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
