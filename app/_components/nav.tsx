'use client'

import Link from 'next/link'
import { usePathname, useSearchParams } from 'next/navigation'
import { fleetHref, hotKeysHref, rangeParams } from '../_lib/urls.ts'
import classes from './top-bar.module.css'

export function Nav() {
  const pathname = usePathname()
  const range = rangeParams(useSearchParams())
  const links = [
    { href: fleetHref(range), label: 'Fleet', current: pathname === '/' },
    { href: hotKeysHref({}, range), label: 'Hot keys', current: pathname.startsWith('/hot-keys') },
  ]
  return (
    <nav className={classes.nav} aria-label="Main">
      {links.map((link) => (
        <Link
          prefetch={false}
          key={link.label}
          href={link.href}
          className={classes.navLink}
          aria-current={link.current ? 'page' : undefined}
        >
          {link.label}
        </Link>
      ))}
    </nav>
  )
}
