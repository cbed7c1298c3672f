'use client'

import Link from 'next/link'
import { usePathname, useSearchParams } from 'next/navigation'
import { fleetHref, hotKeysHref, mitigationsHref, rangeParams } from '../_lib/urls.ts'
import classes from './nav.module.css'

/** `running`: how many mitigations are not off, counted beside their page. */
export function Nav({ running }: { running: number }) {
  const pathname = usePathname()
  const range = rangeParams(useSearchParams())
  const links = [
    { href: fleetHref(range), label: 'Fleet', current: pathname === '/' },
    { href: hotKeysHref({}, range), label: 'Hot keys', current: pathname.startsWith('/hot-keys') },
    {
      href: mitigationsHref({}, range),
      label: 'Mitigations',
      current: pathname.startsWith('/mitigations'),
      count: running,
    },
  ]
  return (
    <nav className={classes.nav} aria-label="Main">
      {links.map((link) => (
        <Link
          prefetch={false}
          key={link.label}
          href={link.href}
          className={classes.link}
          aria-current={link.current ? 'page' : undefined}
        >
          {link.label}
          {link.count !== undefined && link.count > 0 && (
            <span className={classes.count}>
              {link.count}
              <span className="visually-hidden"> running</span>
            </span>
          )}
        </Link>
      ))}
    </nav>
  )
}
